"""Search publications in a public catalogue, or with a plug-in. None is on by default, because the
search text leaves the lab.

A plug-in is a coroutine function under an entry point of the group `daydream.literature`:

    async def search(query: str, limit: int) -> Sequence[Publication]

It gets the text of a hypothesis and returns at most `limit` publications, the most similar first.
It is called once per examination, and never for a hypothesis whose facts need a clearance.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from daydream_runtime.plugins import load_plugin

GROUP = "daydream.literature"
SETTING = "DAYDREAM_ORACLE_LITERATURE"
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Publication:
    """A publication.

    `name` finds it again: a DOI or a URL. `text` says its claims in a few sentences.
    """

    name: str
    title: str
    text: str


Literature = Callable[[str, int], Awaitable[Sequence[Publication]]]


def load_literature(name: str, bundled: Mapping[str, Literature]) -> Literature | None:
    """Return the search with this name, or None for no name.

    Raise ConfigurationError, which lists the known ones, for an unknown name.
    """
    return load_plugin(GROUP, name, SETTING, bundled) if name else None
