"""A followed folder: what is written while it is compared is not missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from daydream_console import file_watcher
from daydream_console.ingest import Labels
from daydream_console.sources import SourceDocument


async def test_a_file_that_is_written_during_the_first_comparison_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "note.md"

    async def compare(*_: object) -> tuple[list[str], list[Any]]:
        note.write_text("This note came after the folder was read.")
        return [], []

    async def offer(
        _: object, documents: Sequence[SourceDocument], **__: object
    ) -> AsyncIterator[str]:
        for document in documents:
            yield document.source

    async def remove(*_: object) -> None:
        return None

    monkeypatch.setattr(file_watcher, "_compare", compare)
    monkeypatch.setattr(file_watcher, "offer", offer)
    monkeypatch.setattr(file_watcher, "remove", remove)
    stop = asyncio.Event()
    labels = Labels("", "")
    followed = file_watcher.follow(None, [tmp_path], "", labels, stop)  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        assert await anext(followed) == ([], [])
        changed: tuple[list[str], list[Any]] = await anext(followed)
        assert changed == ([], [str(note)])
        stop.set()
        assert [change async for change in followed] == []
