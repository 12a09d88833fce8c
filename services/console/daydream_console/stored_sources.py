"""The sources that the memory holds documents of: find them by path, and remove them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from daydream_console.client import Client
from daydream_console.overview import wait_until_handled
from daydream_console.sources import source_name
from daydream_contracts.events import DocumentRemoved
from daydream_contracts.rpc import ListDocuments
from daydream_contracts.topology import MEMORY_DOCUMENTS

PAGE = 1000
TITLE_SEPARATOR = " · "  # of a title and its source, as every list prints them


async def sources_under(
    client: Client, names: Sequence[str | Path], *, current_only: bool = True
) -> list[str]:
    """Return the sources at and below these paths of which the memory holds a document.

    A source can also be given as it is printed: "bundled notes/physics.md", or with its title in
    front. The files need not exist any more. Without `current_only`, include documents that were
    removed.
    """
    sources: dict[str, None] = {}
    for name in names:
        for stored in _names_as_stored(str(name)):
            sources |= dict.fromkeys(await _sources_at(client, stored, current_only=current_only))
    return list(sources)


def _names_as_stored(name: str) -> dict[str, None]:
    without_title = name.rpartition(TITLE_SEPARATOR)[2]
    return dict.fromkeys((source_name(Path(name)), name, without_title))


async def _sources_at(client: Client, name: str, *, current_only: bool) -> list[str]:
    below = f"{name.rstrip('/')}/"
    query = ListDocuments(under=name, current_only=current_only, limit=PAGE)
    sources: list[str] = []
    while page := (await client.rpc.request(MEMORY_DOCUMENTS, query)).reports:
        names = (report.source for report in page)
        sources += [source for source in names if source == name or source.startswith(below)]
        query = query.model_copy(update={"offset": query.offset + len(page)})
    return sources


async def remove(client: Client, sources: Sequence[str], who: str = "") -> None:
    """Report that these sources no longer exist, and wait until the memory has handled it."""
    last = 0
    for source in sources:
        removed = DocumentRemoved(source=source, who=who, removed_at=datetime.now(UTC))
        last = await client.publish(removed)
    if sources:
        await wait_until_handled(client, DocumentRemoved, last)
