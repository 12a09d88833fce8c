"""Keep the memory in step with folders: offer new and edited files, remove deleted ones.

States of a file: unknown → offered ⇄ edited → gone. Nothing is stored here. At the start the folder
is compared with what the memory holds, so a watcher can be stopped and started at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from watchfiles import awatch

from daydream_console.client import Client
from daydream_console.ingest import Labels, Offered, offer
from daydream_console.sources import SourceDocument, files_in, is_hidden
from daydream_console.sources.folders import changed_files
from daydream_console.stored_sources import remove, sources_under

TICK_MS = 500  # the first tick says that the folders are watched


async def follow(
    client: Client,
    paths: Sequence[Path],
    who: str,
    labels: Labels,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[tuple[list[str], list[Offered]]]:
    """Yield (removed sources, offered documents): what differs at the start, then each change.

    Ends when `stop` is set. The folders are compared only once they are watched: a file that is
    written in between would be missed.
    """
    is_compared = False
    async for batch in awatch(
        *paths, stop_event=stop, recursive=True, yield_on_timeout=True, rust_timeout=TICK_MS
    ):
        if not is_compared:
            yield await _compare(client, paths, who, labels)
            is_compared = True
        if not batch:  # a tick
            continue
        touched = {Path(name) for _, name in batch}
        gone, files = await asyncio.to_thread(_split_by_existence, touched, paths)
        removed = await sources_under(client, gone)
        await remove(client, removed, who)
        offered = [document async for document in offer(client, files, labels=labels)]
        if removed or offered:
            yield removed, offered


async def _compare(
    client: Client, paths: Sequence[Path], who: str, labels: Labels
) -> tuple[list[str], list[Offered]]:
    """Remove from the memory what is gone from the folders, and offer what they hold."""
    files_found = await asyncio.to_thread(files_in, paths)
    existing = {document.source for document in files_found.documents if not document.skipped}
    closed = tuple(f"{folder}/" for folder in files_found.closed)
    gone = [
        source
        for source in await sources_under(client, paths)
        if source not in existing and not source.startswith(closed)
    ]
    await remove(client, gone, who)
    return gone, [
        document async for document in offer(client, files_found.documents, labels=labels)
    ]


def _split_by_existence(
    touched: set[Path], folders: Sequence[Path]
) -> tuple[list[Path], list[SourceDocument]]:
    """Return (paths that are gone, documents that exist), without hidden ones."""
    visible = sorted(path for path in touched if not is_hidden(path, folders))
    gone = [path for path in visible if not path.exists()]
    return gone, list(changed_files([path for path in visible if path.exists()], folders))
