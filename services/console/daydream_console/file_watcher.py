"""Keeps the memory in step with folders: what is new or edited is offered, what is gone is removed.

States of a file: unknown → offered ⇄ edited → gone. Nothing is remembered here: at the start, and again after any trouble, the folder is
compared with what the memory says it holds, so that a watcher may be stopped and started at any time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from watchfiles import awatch

from daydream_console.client import Client
from daydream_console.ingest import (
    Labels,
    Offered,
    files_under,
    hidden,
    offer,
    remove,
    sources_under,
)


async def catch_up(
    client: Client, paths: Sequence[Path], who: str, labels: Labels
) -> tuple[list[str], AsyncIterator[Offered]]:
    """What is gone, which is removed, and what is offered: all that is there."""
    files = await asyncio.to_thread(files_under, paths)
    there = {str(file.absolute()) for file in files}
    gone = [source for source in await sources_under(client, paths) if source not in there]
    await remove(client, gone, who)
    return gone, offer(client, files, labels=labels)


async def changes(
    client: Client,
    paths: Sequence[Path],
    who: str,
    labels: Labels,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[tuple[list[str], list[Offered]]]:
    """What was removed and what was offered, each time that something changes, until the stop."""
    async for batch in awatch(*paths, stop_event=stop, recursive=True):
        gone, files = await asyncio.to_thread(_look, {Path(name) for _, name in batch}, paths)
        removed = await sources_under(client, gone)
        await remove(client, removed, who)
        offered = [one async for one in offer(client, files, labels=labels)]
        if removed or offered:
            yield removed, offered


def _look(touched: set[Path], paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Of what was touched: files and folders that are gone, and files that are there."""
    seen = sorted(path for path in touched if not hidden(path, paths))
    return [path for path in seen if not path.exists()], files_under(
        [path for path in seen if path.exists()]
    )
