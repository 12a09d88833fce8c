"""A build hook: a wheel asks for exactly its own version of the project's other packages.

All packages are released together, and none is tested with another version of its neighbours. The
version is in one place, the file VERSION, so the pyproject files name their neighbours without one
and this hook adds it to the wheel. An editable install is left as it is.
"""

from __future__ import annotations

import re
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NEIGHBOUR = re.compile(r"^(daydream-[a-z]+)(\[[a-z,]+\])?$")


class PinVersionsHook(BuildHookInterface[Any]):
    """Adds `Requires-Dist: <neighbour>==<version>` to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the pinned requirements; `version` is hatchling's word for the kind of wheel."""
        if version != "standard":
            return
        project = self.metadata.core
        build_data["dependencies"] += [
            *self._pinned(project.dependencies, ""),
            *(
                pin
                for extra, requirements in project.optional_dependencies.items()
                for pin in self._pinned(requirements, f" ; extra == '{extra}'")
            ),
        ]

    def _pinned(self, requirements: list[str], marker: str) -> list[str]:
        matches = (NEIGHBOUR.match(requirement) for requirement in requirements)
        return [f"{match[1]}=={self.metadata.version}{marker}" for match in matches if match]
