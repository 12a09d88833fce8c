"""After a restore: erase again what was erased since, and take in what came since.

Verdicts come from the store that was replaced, as far as there is one, and from the streams.

This happens before the service is ready, so that nothing reads the memory in between. It is
idempotent and begins again after a crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nats.js import JetStreamContext
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_fixed

from daydream_contracts.errors import PermanentError, RetryLaterError
from daydream_contracts.events import (
    Message,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.topology import route_of
from daydream_memory.backups import FOLLOWED, StreamContext
from daydream_memory.store import BackupSupport
from daydream_memory.verdict_writer import VerdictWriter
from daydream_runtime.stream_reader import read_stream

log = logging.getLogger(__name__)
WAIT_S = 1.0
TakeIn = Callable[[Any], Awaitable[object]]


@dataclass(frozen=True)
class CatchUp:
    """Bring a restored memory up to date."""

    backup: BackupSupport
    writer: VerdictWriter
    js: JetStreamContext
    stopping: asyncio.Event

    async def run(self) -> None:
        """Do nothing for a memory that was not restored, or is up to date."""
        context = await self.backup.restored_context()
        if context is None:
            return
        await self.backup.erase_again()
        await self._take_over_verdicts()
        positions = StreamContext.from_json(context).positions
        taken_in = [
            await self._read_stream(message, positions.get(message.__name__, 0))
            for message in FOLLOWED
        ]
        log.info("the memory is restored: %d messages were taken in again", sum(taken_in))
        await self.backup.finish_restore()

    async def _take_over_verdicts(self) -> None:
        """Take in the verdicts that only the replaced store has: their messages may be deleted."""
        taken_over = 0
        async for verdict in self.backup.replaced_verdicts():
            await self._retrying(self._write_new_verdict, verdict)
            taken_over += 1
        if taken_over:
            log.info("%d verdicts are taken over from the replaced store", taken_over)
            await self.backup.erase_again()  # what descends from them, and their vectors

    def _take_in(self) -> Mapping[type[Any], TakeIn]:
        """Return what each message's consumer does, without publishing: that happened before."""
        return {
            VerdictReached: self._write_new_verdict,
            ReviewRecorded: self.writer.write_review,
            OutcomeRecorded: self.writer.write_outcome,
            VisibilityChanged: self.writer.change_visibility,
        }

    async def _write_new_verdict(self, verdict: VerdictReached) -> None:
        if await self.writer.store.verdicts.get(verdict.verdict_id) is None:
            await self.writer.write_verdict(verdict)

    async def _read_stream(self, message: type[Any], position: int) -> int:
        """Take in a stream from behind this position. Return how many messages it took in."""
        stream = route_of(message).stream
        take_in = self._take_in()[message]
        last = (await self.js.stream_info(stream)).state.last_seq
        taken_in = 0
        async for _, stored in read_stream(self.js, stream, position, last, gaps=True):
            taken_in += await self._take_in_message(take_in, message, stored.data)
        return taken_in

    async def _take_in_message(self, take_in: TakeIn, message: type[Any], data: bytes) -> bool:
        """Return False for a message that cannot be taken in: it is a dead letter already."""
        try:
            await self._retrying(take_in, message.model_validate_json(data))
        except (ValidationError, PermanentError) as error:
            log.warning("cannot take in a message again: %s", error)
            return False
        return True

    async def _retrying(self, take_in: TakeIn, message: Message) -> None:
        """Take in a message. Wait while the embedder or the ledger is away."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(self._waits), wait=wait_fixed(WAIT_S), before_sleep=_log_wait
        )
        await attempts(take_in, message)

    def _waits(self, error: BaseException) -> bool:
        return isinstance(error, RetryLaterError) and not self.stopping.is_set()


def _log_wait(attempt: RetryCallState) -> None:
    log.warning("the restore waits: %s", attempt.outcome and attempt.outcome.exception())
