"""Find a plug-in by name: a bundled one, or one that another package offers by an entry point."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TypeVar

from daydream_contracts.errors import ConfigurationError

P = TypeVar("P")


def load_plugin(group: str, name: str, setting: str, bundled: Mapping[str, P]) -> P:
    """Return what `name` stands for among `bundled`, or in the entry points of `group`.

    Raise ConfigurationError with all known names for an unknown one. `setting` says where it was
    set.
    """
    if name in bundled:
        return bundled[name]
    offered = {point.name: point for point in entry_points(group=group)}
    if name not in offered:
        known = ", ".join(plugin_names(group, bundled)) or "none"
        raise ConfigurationError(
            f"{setting} names {name!r}, which is unknown. Known: {known}",
            f"Choose a known name, or install a package with an entry point {name!r} in {group}",
        )
    plugin: P = offered[name].load()
    return plugin


def plugin_names(group: str, bundled: Mapping[str, object]) -> list[str]:
    """Return all names that `load_plugin` knows in this group."""
    return [*bundled, *sorted(point.name for point in entry_points(group=group))]
