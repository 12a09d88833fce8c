"""Save all streams of the table to a folder, and make them again in an empty NATS.

The streams are copied one after the other, while everything runs. Their order makes any two of
them fit together:

| first | then | because what happens in between |
|---|---|---|
| the stages' streams, in the order of the loop | | is in both: a repetition, which is harmless |
| the work | answers of models | leaves an answer more, so no answer is paid twice |
| snapshots of the ledger | the ledger | leaves a ledger that is newer than its snapshot |
| all else | the ledger | is known to the ledger, so it counts what was spent for it |
| the ledger | its archive | is in both, if commits move to the archive meanwhile |

The mirror of the ledger is not copied: provisioning makes it again.

A folder is complete or not there. Files: `<stream>.snapshot` as NATS gives it, and `backup.json`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from pydantic import AwareDatetime, BaseModel, ValidationError

from daydream_contracts.buckets import ARCHIVE_OBJECTS, BUCKETS, OBJECT_STORES
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import GENERATION, LEDGER, STREAMS
from daydream_runtime.stream_snapshots import describe, restore_stream, save_stream

log = logging.getLogger(__name__)
CONTENTS = "backup.json"


class SavedStream(BaseModel):
    """One stream of a backup. `description`: its configuration and state, as NATS gives them."""

    name: str
    sha256: str
    description: dict[str, Any]


class SavedStreams(BaseModel):
    """What is in the folder of a backup."""

    made_at: AwareDatetime
    generation: int
    streams: tuple[SavedStream, ...]


def saved_names() -> tuple[str, ...]:
    """Return the streams that are saved, in their order."""
    work = [stream.name for stream in STREAMS if not stream.mirror_of and stream.name != LEDGER]
    buckets = [f"KV_{bucket.name}" for bucket in BUCKETS]
    objects = [f"OBJ_{name}" for name in OBJECT_STORES if name != ARCHIVE_OBJECTS]
    return (*work, *buckets, *objects, LEDGER, f"OBJ_{ARCHIVE_OBJECTS}")


async def save(nc: Client, folder: Path) -> SavedStreams:
    """Write a backup into a new folder. Raise ConfigurationError if it is there already."""
    partial = await asyncio.to_thread(_begin, folder)
    made_at = datetime.now(UTC)
    saved = [await _save(nc, name, partial) for name in saved_names()]
    contents = SavedStreams(made_at=made_at, generation=GENERATION, streams=tuple(saved))
    (partial / CONTENTS).write_text(contents.model_dump_json(indent=1))
    partial.rename(folder)
    return contents


def _begin(folder: Path) -> Path:
    """Make the folder in which a backup is written, and return it."""
    if folder.exists():
        raise ConfigurationError(f"{folder} already exists", "Name a new folder")
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)  # it holds documents, prompts and answers
    return partial


async def _save(nc: Client, name: str, folder: Path) -> SavedStream:
    file = _file(folder, name)
    with file.open("wb") as target:
        description = await save_stream(nc, name, target)
        target.flush()
        await asyncio.to_thread(os.fsync, target.fileno())
    log.info("saved %s: %d messages", name, description["state"]["messages"])
    return SavedStream(name=name, sha256=_digest(file), description=description)


async def restore(nc: Client, folder: Path) -> SavedStreams:
    """Make all streams of a backup. Raise ConfigurationError if one is there already.

    Nothing is changed unless the backup is whole. After a restore that was interrupted, begin
    again with an empty NATS.
    """
    contents = await asyncio.to_thread(_read, folder)
    existing = [row.name for row in contents.streams if await describe(nc, row.name) is not None]
    if existing:
        raise ConfigurationError(
            f"NATS has streams already: {', '.join(existing)}",
            "Restore into a NATS that is empty: a stream that is in use is never replaced",
        )
    for row in contents.streams:
        await restore_stream(nc, row.name, row.description, _file(folder, row.name))
        log.info("restored %s: %d messages", row.name, row.description["state"]["messages"])
    return contents


def _read(folder: Path) -> SavedStreams:
    """Return what a folder holds. Raise ConfigurationError if a file is missing or changed."""
    try:
        contents = SavedStreams.model_validate_json((folder / CONTENTS).read_text())
    except (OSError, ValidationError):
        raise ConfigurationError(f"{folder} has no backup", "Name a folder of a backup") from None
    if contents.generation > GENERATION:
        raise ConfigurationError(
            f"The backup is of a newer version (generation {contents.generation})",
            "Restore it with the version that made it, or a newer one",
        )
    if damaged := [*_damaged(folder, contents.streams)]:
        raise ConfigurationError(
            f"The backup is damaged: {', '.join(damaged)}", "Restore another one"
        )
    return contents


def _damaged(folder: Path, streams: Iterable[SavedStream]) -> Iterable[str]:
    for row in streams:
        file = _file(folder, row.name)
        if not file.exists() or _digest(file) != row.sha256:
            yield file.name


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.snapshot"


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
