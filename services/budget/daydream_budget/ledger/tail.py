"""The end of the ledger as one replica sees it: read what is new, append what was decided."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import nats.errors
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError
from tenacity import retry, retry_if_exception_type, wait_fixed

from daydream_budget.ledger.alerts import unreadable_alert
from daydream_budget.ledger.broker_clock import utc_now
from daydream_budget.ledger.chain import ChainPosition, LedgerMessage, UnreadableMessageError
from daydream_budget.ledger.projection import LedgerProjection
from daydream_budget.ledger.stream_end import HIDDEN_READS, READ_RETRY_S, RESTORE, lost_end
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import AlertRaised
from daydream_contracts.rpc import Refusal
from daydream_contracts.topology import LEDGER, LEDGER_SUBJECT

log = logging.getLogger(__name__)
PUBLISH_S = 2.0
CONNECTION_ERRORS = (nats.errors.Error, ConnectionError, TimeoutError)
HIDDEN = f"the broker counts it but does not return it, so it may be damaged. {RESTORE}"


@dataclass
class LedgerTail:
    """The projection, and the message that it can't pass. `report` raises an alert.

    `is_refused`: the broker refused a commit as not the next one, so there must be more to read.
    `reconnects` counts how often the connection was made again. A server that was started again
    may have lost entries that this replica has not read yet, so its stream is compared with the
    mirror before the next commit.
    """

    projection: LedgerProjection
    report: Callable[[AlertRaised], Awaitable[None]]
    reconnects: Callable[[], int] = lambda: 0
    unreadable: UnreadableMessageError | None = None
    is_refused: bool = False
    _compared: int = 0  # the number of reconnects at the last comparison with the mirror
    _reported: str = ""  # the digest of the unreadable message whose alert was raised

    @property
    def position(self) -> ChainPosition:
        """Return the place of the last message in the state."""
        return self.projection.position

    @property
    def refusal(self) -> Refusal | None:
        """Return why nothing can be committed, or None."""
        if self.unreadable is None:
            return None
        text = (
            f"Message {self.unreadable.message.sequence} of the ledger is unreadable: "
            f"{self.unreadable.problem}. Nothing is granted until it is repaired. "
            "Look at it with: daydream budget repair"
        )
        return Refusal(reason="ledger-unreadable", text=text)

    @property
    def is_reconnected(self) -> bool:
        """Return whether the end of the stream is to be compared with the mirror."""
        return self._compared != self.reconnects()

    async def publish(self, data: bytes, last_sequence: int) -> None:
        """Store a commit directly after a sequence. Raise the error of NATS if that fails.

        Both conditions: a server whose last entry is damaged compares the entry before it for the
        subject, and the lost one for the stream.
        """
        headers = {
            "Nats-Expected-Last-Subject-Sequence": str(last_sequence),
            "Nats-Expected-Last-Sequence": str(last_sequence),
        }
        js = self.projection.js
        await js.publish(LEDGER_SUBJECT, data, headers=headers, timeout=PUBLISH_S)

    async def catch_up(self) -> None:
        """Apply the messages that are new, until there are no more, or one is unreadable."""
        try:
            await self._read_on()
            self.unreadable = None
        except UnreadableMessageError as error:
            is_new, self.unreadable = self.unreadable is None, error
            if is_new and self.refusal is not None:
                log.error("%s", self.refusal.text)
            if self._reported != error.message.digest:
                await self.report(unreadable_alert(error))
                self._reported = error.message.digest

    @retry(retry=retry_if_exception_type(CONNECTION_ERRORS), wait=wait_fixed(READ_RETRY_S))
    async def catch_up_patiently(self) -> None:
        """Catch up, however long the connection is lost."""
        await self.catch_up()

    async def _read_on(self) -> None:
        projection = self.projection
        if self.is_reconnected:
            reconnects = self.reconnects()
            await self._refuse_lost_end()
            self._compared = reconnects
        while (stored := await self._next()) is not None:
            following = self.position.sequence + 1
            if stored.seq != following:  # archived since, or lost
                await self._replay()
                continue
            assert stored.time is not None
            await projection.take(LedgerMessage(following, stored.data or b"", stored.time))
            self.is_refused = False

    async def _replay(self) -> None:
        """Read on from the archive: this replica was away long. Raise if it has a gap too."""
        try:
            await self.projection.replay()
        except ConfigurationError as missing:
            lost = LedgerMessage(self.position.sequence + 1, b"", utc_now())
            raise UnreadableMessageError(lost, f"{missing.problem}. {missing.fix}") from missing

    async def _next(self) -> RawStreamMsg | None:
        """Return the next message, None if there is none.

        Raise UnreadableMessageError if the stream counts one and does not return it, or has lost
        its end. That is checked only after a commit was refused although there was nothing new to
        read: a server that finds a damaged message answers "no message found".

        A plain loop without tenacity: whether to read again depends on two answers of the broker,
        a missing message and the stream's last sequence, and either can also end it.
        """
        js, following = self.projection.js, self.position.sequence + 1
        for _ in range(HIDDEN_READS):
            try:
                return await js.get_msg(LEDGER, seq=following, subject=LEDGER_SUBJECT, next=True)
            except NotFoundError:
                if not self.is_refused:
                    return None
            if (await js.stream_info(LEDGER)).state.last_seq < following:
                await self._refuse_lost_end()
                self.is_refused = False
                return None
            await asyncio.sleep(READ_RETRY_S)
        raise UnreadableMessageError(LedgerMessage(following, b"", utc_now()), HIDDEN)

    async def _refuse_lost_end(self) -> None:
        """Raise UnreadableMessageError if entries are missing at the end of the stream."""
        problem = await lost_end(self.projection.js, self.position.sequence)
        if problem is not None:
            lost = LedgerMessage(self.position.sequence + 1, b"", utc_now())
            raise UnreadableMessageError(lost, f"{problem}. {RESTORE}")
