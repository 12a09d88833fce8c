"""Find a plug-in by name: a bundled one, or one that another package offers by an entry point."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from daydream_contracts.errors import ConfigurationError


def load_plugin(group: str, name: str, setting: str, bundled: Mapping[str, Any]) -> Any:
    """Return what `name` stands for among `bundled`, or in the entry points of `group`.

    Raise ConfigurationError with all known names for an unknown one. `setting` says where it was
    set.
    """
    if name in bundled:
        return bundled[name]
    offered = {point.name: point for point in entry_points(group=group)}
    if name not in offered:
        known = ", ".join([*bundled, *sorted(offered)])
        raise ConfigurationError(
            f"{setting} names {name!r}, which is unknown. Known: {known or 'none'}",
            f"Choose a known name, or install a package with an entry point {name!r} in {group}",
        )
    return offered[name].load()
