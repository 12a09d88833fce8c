"""Backups of the store while it runs, and their restore, for stores with `BackupSupport`.

Data of a backup: positions in the streams that the memory has taken in → a consistent copy of the
store with these positions → the object store, from where `daydream backup` fetches it.
Data of a restore: the copy from the object store → checked and staged → an orderly restart. The
start installs it, erases in it what was erased since, and takes in from the streams what came after
the copy was made (see `restore_catch_up`). It is another generation of the memory: its next
ordinals may mean other facts, so the sampler begins a new epoch.

What can fail:

- This process dies: the copy is made again, or the restore continues at the next start.
- The copy is broken: it is refused.
- The streams no longer hold everything since the copy: the answer counts what is missing. Documents
  that were ingested since must be ingested again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from nats.js.object_store import ObjectStore

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    Message,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.rpc import BackedUp, BackUp, RestoreBackup, Restored
from daydream_contracts.topology import route_of
from daydream_memory.store import BackupContents, BackupSupport

FOLLOWED = (VerdictReached, ReviewRecorded, OutcomeRecorded, VisibilityChanged)
READ_BYTES = 1 << 20


class BackupProvider(Protocol):
    """Makes and restores backups, or refuses to."""

    async def back_up(self, request: BackUp) -> BackedUp:
        """Make a backup."""

    async def restore(self, request: RestoreBackup) -> Restored:
        """Stage a backup and restart."""


@dataclass(frozen=True)
class StreamContext:
    """What is stored with a copy: when it was made, and the stream positions that it includes."""

    made_at: datetime
    positions: Mapping[str, int]

    def to_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {"made_at": self.made_at.isoformat(), "positions": dict(self.positions)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> StreamContext:
        """Read it from JSON values."""
        return cls(datetime.fromisoformat(values["made_at"]), values["positions"])


@dataclass(frozen=True)
class BackupService:
    """Make and restore backups."""

    support: BackupSupport
    js: JetStreamContext
    objects: ObjectStore
    restart: Callable[[str], None]
    in_progress: dict[str, asyncio.Task[BackedUp]] = field(default_factory=dict)

    async def back_up(self, request: BackUp) -> BackedUp:
        """Make a backup. Idempotent: a repeated request waits for the same copy."""
        name = request.backup_id
        if name not in self.in_progress:
            self.in_progress[name] = asyncio.create_task(self._back_up(name))
        return await asyncio.shield(self.in_progress[name])

    async def _back_up(self, name: str) -> BackedUp:
        copy = self.support.staged.with_name(f"{name}.backup")
        try:
            positions = {message.__name__: await self._position(message) for message in FOLLOWED}
            context = StreamContext(datetime.now(UTC), positions)
            contents = await self.support.write_copy(copy, context.to_json())
            with copy.open("rb") as file:
                await self.objects.put(name, file)
            return BackedUp(
                object_name=name,
                size_bytes=copy.stat().st_size,
                sha256=await asyncio.to_thread(digest, copy),
                facts=contents.facts,
                verdicts=contents.verdicts,
                made_at=context.made_at,
            )
        finally:
            copy.unlink(missing_ok=True)

    async def _position(self, message: type[Message]) -> int:
        """Return up to which position the memory has taken in a stream."""
        floor = (await self.js.consumer_info(route_of(message).stream, "memory")).ack_floor
        return floor.stream_seq if floor else 0

    async def restore(self, request: RestoreBackup) -> Restored:
        """Stage a copy and restart. Idempotent: a copy that is staged already is used.

        Raise PermanentError for a copy that cannot be used.
        """
        staged = self.support.staged
        if not (staged.exists() and await asyncio.to_thread(digest, staged) == request.sha256):
            await self._stage(request)
        contents = await asyncio.to_thread(self.support.read_contents, staged)
        context = StreamContext.from_json(contents.context)
        replayed, lost = await self._missed(context)
        self.restart(f"{request.who} restores a backup of {context.made_at.isoformat()}")
        return Restored(
            facts=contents.facts,
            verdicts=contents.verdicts,
            made_at=context.made_at,
            replayed=replayed,
            lost=lost,
        )

    async def _stage(self, request: RestoreBackup) -> BackupContents:
        """Fetch a copy, check it, and put it where the next start installs it."""
        staged = self.support.staged
        incoming = staged.with_name(f"{staged.name}.incoming")
        try:
            with incoming.open("wb") as file:
                await self.objects.get(request.object_name, writeinto=file)
            if await asyncio.to_thread(digest, incoming) != request.sha256:
                raise PermanentError("broken-backup", "The transfer of the backup is incomplete")
            contents = await asyncio.to_thread(self.support.read_contents, incoming)
            incoming.replace(staged)
            return contents
        except NotFoundError:
            raise PermanentError(
                "no-such-backup", f"No backup {request.object_name} in the object store"
            ) from None
        finally:
            incoming.unlink(missing_ok=True)

    async def _missed(self, context: StreamContext) -> tuple[int, int]:
        """Return how many messages since the copy the streams still hold, and no longer hold."""
        replayed = lost = 0
        for message in FOLLOWED:
            position = context.positions.get(message.__name__, 0)
            state = (await self.js.stream_info(route_of(message).stream)).state
            replayed += max(0, state.last_seq - max(state.first_seq, position + 1) + 1)
            lost += max(0, min(state.first_seq - 1, state.last_seq) - position)
        return replayed, lost


class NoBackups:
    """Refuse backups, for a store without `BackupSupport`."""

    async def back_up(self, request: BackUp) -> BackedUp:
        """Raise PermanentError."""
        raise _no_backups()

    async def restore(self, request: RestoreBackup) -> Restored:
        """Raise PermanentError."""
        raise _no_backups()


def _no_backups() -> PermanentError:
    return PermanentError(
        "no-backup-here",
        "This memory's store makes no backups here. "
        "Use the store's own backups, together with a copy of NATS",
    )


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    sha256 = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(READ_BYTES):
            sha256.update(block)
    return sha256.hexdigest()
