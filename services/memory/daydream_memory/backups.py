"""Copies of the embedded store while it runs, and their way back.

Data of a backup: places in the streams that the memory has taken in → a consistent copy of the database (SQLite's own, which stops nobody) with
these places → the object store, from where `daydream backup` fetches it.
Data of a restore: the copy from the object store → checked, beside the database → a restart in order, which puts it in the database's place (the old
one is kept beside), forgets in it what was erased since, and takes in from the streams what came after the copy was made. It is another generation
of the memory: its next ordinals may mean other facts, so the sampler begins a new epoch.
What can fail: this process, anywhere (the copy is made again, or the restore goes on at the next start), the copy is broken (refused), streams
that no longer hold what came since (said, with its number; documents ingested since are ingested again by whoever has them).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from nats.js.object_store import ObjectStore

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import Message, ReviewRecorded, VerdictReached, VisibilityChanged
from daydream_contracts.rpc import BackedUp, BackUp, RestoreBackup, Restored
from daydream_contracts.topology import route_of
from daydream_memory.sqlite.schema import SCHEMA_VERSION

RESTORE, BEFORE = "restore.db", "before-restore.db"
FOLLOWED = (VerdictReached, ReviewRecorded, VisibilityChanged)
PIECE = 1 << 20


class BackupService:
    """Of a store in one file."""

    def __init__(
        self, file: Path, js: JetStreamContext, objects: ObjectStore, restart: Callable[[str], None]
    ) -> None:
        self._file = file
        self._js = js
        self._objects = objects
        self._restart = restart
        self._making: dict[str, asyncio.Task[BackedUp]] = {}

    async def back_up(self, request: BackUp) -> BackedUp:
        """Harmless twice: the same request waits for the same copy."""
        if request.backup_id not in self._making:
            self._making[request.backup_id] = asyncio.create_task(self._back_up(request.backup_id))
        return await asyncio.shield(self._making[request.backup_id])

    async def _back_up(self, name: str) -> BackedUp:
        copy = self._file.with_name(f"{name}.backup")
        try:
            places = {message.__name__: await self._taken_in(message) for message in FOLLOWED}
            about: dict[str, Any] = {"places": places, "made_at": datetime.now(UTC).isoformat()}
            facts, verdicts = await asyncio.to_thread(_copy, self._file, copy, about)
            with copy.open("rb") as file:
                await self._objects.put(name, file)
            return BackedUp(
                object_name=name,
                size_bytes=copy.stat().st_size,
                sha256=await asyncio.to_thread(digest, copy),
                facts=facts,
                verdicts=verdicts,
                made_at=datetime.fromisoformat(about["made_at"]),
            )
        finally:
            copy.unlink(missing_ok=True)

    async def _taken_in(self, message: type[Message]) -> int:
        """Up to where the memory has taken in a stream."""
        floor = (await self._js.consumer_info(route_of(message).stream, "memory")).ack_floor
        return floor.stream_seq if floor else 0

    async def restore(self, request: RestoreBackup) -> Restored:
        """Harmless twice: the copy that lies there already is taken. Raises Permanent for a copy that can't be used."""
        ready, coming = self._file.with_name(RESTORE), self._file.with_name(f"{RESTORE}.coming")
        if not (ready.exists() and await asyncio.to_thread(digest, ready) == request.sha256):
            try:
                with coming.open("wb") as file:
                    await self._objects.get(request.object_name, writeinto=file)
                if await asyncio.to_thread(digest, coming) != request.sha256:
                    raise PermanentError("broken-backup", "the backup did not come over whole")
                await asyncio.to_thread(about, coming)
                coming.replace(ready)
            except NotFoundError:
                raise PermanentError(
                    "no-such-backup",
                    f"there is no backup {request.object_name} in the object store",
                ) from None
            finally:
                coming.unlink(missing_ok=True)
        found = await asyncio.to_thread(about, ready)
        again = gone = 0
        for name, (first, last) in (await missed(self._js, found["places"])).items():
            again += max(0, last - max(first, found["places"][name] + 1) + 1)
            gone += max(0, min(first - 1, last) - found["places"][name])
        self._restart(f"{request.who} restores a backup of {found['made_at']}")
        return Restored(
            facts=found["facts"],
            verdicts=found["verdicts"],
            made_at=datetime.fromisoformat(found["made_at"]),
            again=again,
            gone=gone,
        )


async def missed(js: JetStreamContext, places: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """For each kind of message the first and the last place that its stream still has."""
    found = {}
    for message in FOLLOWED:
        state = (await js.stream_info(route_of(message).stream)).state
        found[message.__name__] = (state.first_seq, state.last_seq)
    return found


def about(copy: Path) -> dict[str, Any]:
    """What a copy holds, when it was made, and up to where in the streams. Permanent when it is none that can be used."""
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as db:
            ((sound,),) = db.execute("pragma quick_check(1)").fetchall()
            kept = dict(db.execute("select key, value from meta").fetchall())
            (facts,) = db.execute("select count(*) from facts where ordinal is not null").fetchone()
            (verdicts,) = db.execute("select count(*) from verdicts").fetchone()
    except (sqlite3.Error, ValueError) as error:
        raise PermanentError("broken-backup", f"this is no backup of a memory: {error}") from None
    if sound != "ok" or kept.get("schema") != SCHEMA_VERSION or "backup" not in kept:
        raise PermanentError(
            "broken-backup",
            f"this is no whole backup of a memory of schema {SCHEMA_VERSION}: {sound}",
        )
    found: dict[str, Any] = json.loads(kept["backup"])
    return {**found, "facts": facts, "verdicts": verdicts}


def take_over(file: Path) -> Path | None:
    """Put a copy that waits in the place of the database; where the old one is now. None when no copy waits. Done whole, or again at the next start."""
    ready, before = file.with_name(RESTORE), file.with_name(BEFORE)
    if not ready.exists():
        return None
    with closing(sqlite3.connect(ready, isolation_level=None)) as db:
        db.execute("insert or replace into meta values('generation', ?)", (uuid4().hex,))
        db.execute(
            "insert or replace into meta select 'taken-in', value from meta where key = 'backup'"
        )
    if file.exists():
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            db.execute("pragma wal_checkpoint(truncate)")
            db.execute("pragma journal_mode = delete")
        file.replace(before)
    ready.replace(file)
    return before


def _copy(file: Path, copy: Path, more: Mapping[str, object]) -> tuple[int, int]:
    copy.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(file)) as source,
        closing(sqlite3.connect(copy, isolation_level=None)) as target,
    ):
        source.backup(target)
        target.execute("pragma journal_mode = delete")
        target.execute("insert or replace into meta values('backup', ?)", (json.dumps(more),))
        (facts,) = target.execute("select count(*) from facts where ordinal is not null").fetchone()
        (verdicts,) = target.execute("select count(*) from verdicts").fetchone()
    return facts, verdicts


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            found.update(piece)
    return found.hexdigest()
