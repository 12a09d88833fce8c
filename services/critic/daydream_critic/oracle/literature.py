"""Where publications are searched: a plug-in that a lab brings, because what is sent to it leaves the lab.

A plug-in is a coroutine function under an entry point of the group `daydream.literature`:

    async def search(query: str, limit: int) -> Sequence[Publication]

It gets the text of a hypothesis and gives at most `limit` publications, the nearest first. It is called once for each examination, and never for a
hypothesis of facts that need a clearance.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from daydream_contracts.errors import ConfigurationError

GROUP = "daydream.literature"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Publication:
    """`name`: a DOI, an address, whatever finds it again. `text`: what it says, in a few sentences."""

    name: str
    title: str
    text: str


Literature = Callable[[str, int], Awaitable[Sequence[Publication]]]


def literature_of(name: str) -> Literature | None:
    """The plug-in of a name; None for no name. ConfigurationError when it is not installed."""
    if not name:
        return None
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in offered:
        there = f"installed: {', '.join(sorted(offered))}" if offered else "none is installed"
        raise ConfigurationError(
            f"there is no search for literature called {name} ({there})",
            f"Install a package with an entry point {name} in {GROUP}",
        )
    found: Literature = offered[name].load()
    return found
