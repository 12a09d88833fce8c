"""The ledger over JetStream: group commits with optimistic concurrency control.

All requests that wait are decided together and appended as one commit, published with the expected
last sequence. That sequence is the fence between replicas. Two replicas that decide at once can't
both win: the loser rolls back what it tried, reads the tail of the stream and decides again.

After a timeout nothing is inferred: the tail is read, and the requests, being idempotent, are
decided again on what is really there. A refusal, or "unknown", is only replied after a fresh read,
or with a commit that the stream has accepted. Both prove that the state was up to date: another
replica may have opened what this one has not read yet.

An entry is idempotent by the state, not by the broker's duplicate window, which is lost on restart.
A replica that is killed loses nothing: a commit is in the stream or it never happened.

While nothing can be committed the ledger is *halted*: its next message is unreadable (see `chain`),
or this replica's clock is off (see `broker_clock`). Then every request that needs a commit, or a
fresh read, is refused with the reason. Both end without a restart.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nats.js.errors import APIError
from tenacity import retry, retry_if_exception_type, wait_fixed

from daydream_budget.ledger.alerts import overrun, soft_limit_alerts
from daydream_budget.ledger.broker_clock import BrokerClock
from daydream_budget.ledger.chain import ChainPosition, digest_of
from daydream_budget.ledger.entries import COMMIT, AttemptSettled, Commit, Entry
from daydream_budget.ledger.group_commit import DecidedBatch, PendingRequest
from daydream_budget.ledger.lost_attempts import FindSettlement, LostAttempts, find_none
from daydream_budget.ledger.repair import repair
from daydream_budget.ledger.rules import LedgerRequest, decide, due, is_certain
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.stream_end import READ_RETRY_S
from daydream_budget.ledger.tail import CONNECTION_ERRORS, LedgerTail
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import LedgerRepair, Refusal, RepairLedger
from daydream_runtime.broker_errors import is_wrong_sequence

log = logging.getLogger(__name__)
BATCH_MAX = 256
PATIENT_S = 0.02
UNKNOWN_OUTCOME_S = 0.05  # wait before the tail is read after a timeout
YIELD_S_MAX = 0.005  # after a lost race: without it losers starve for seconds


@dataclass
class Ledger:
    """The ledger of one replica, and its way to commit.

    `by` names the replica in its commits. `report` raises an alert. `on_commit` is awaited after
    each commit with the state and its place, before the next one is decided. `find_settlement`
    finds what lost attempts cost. `refused` holds the limits that have refused since the last
    sweep.
    """

    tail: LedgerTail
    clock: BrokerClock
    by: str
    on_commit: Callable[[LedgerState, ChainPosition], Awaitable[None]]
    find_settlement: FindSettlement = find_none
    refused: set[str] = field(default_factory=set)
    _pending: asyncio.Queue[PendingRequest] = field(default_factory=asyncio.Queue)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # committer, sweeper and readers

    @property
    def state(self) -> LedgerState:
        """Return the state after the message at `sequence`."""
        return self.tail.projection.state

    @property
    def sequence(self) -> int:
        """Return the sequence of the last message in the state."""
        return self.tail.position.sequence

    @property
    def halted(self) -> Refusal | None:
        """Return why nothing can be committed, or None."""
        return self.tail.refusal or self.clock.refusal

    async def submit(self, request: LedgerRequest) -> Any:
        """Return the reply once what it rests on is committed."""
        reply: asyncio.Future[ContractModel] = asyncio.get_running_loop().create_future()
        self._pending.put_nowait(PendingRequest(request, reply))
        return await reply

    async def commit_forever(self) -> None:
        """Decide and commit pending requests until cancelled."""
        while True:
            batch: list[PendingRequest] = []
            try:
                await self._gather(batch)
                async with self._lock:
                    await self._commit(batch)
            except asyncio.CancelledError:
                self.state.undo_log.rollback()
                for pending in batch:
                    pending.reply.cancel()
                raise
            except Exception as error:
                self.state.undo_log.rollback()
                log.exception("A batch of %d requests failed.", len(batch))
                for pending in batch:
                    pending.fail(error)

    async def _gather(self, batch: list[PendingRequest]) -> None:
        """Take the pending requests. Those that only record go with one that is urgent.

        They wait for it for a moment: a commit is a synced write.
        """
        batch.append(await self._pending.get())
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENT_S):
                while all(pending.is_patient for pending in batch) and len(batch) < BATCH_MAX:
                    batch.append(await self._pending.get())
        while len(batch) < BATCH_MAX and not self._pending.empty():
            batch.append(self._pending.get_nowait())

    async def sweep(self, reservation_idle_s: float) -> int:
        """Write what time has decided and the soft limits to report; return the number of entries.

        An alert is raised before its entry is written, under an id that makes it the same alert.
        After a lost race nothing is written, and the next sweep tries again.
        """
        attempts = LostAttempts()  # looked up before the lock: requests do not wait for it
        await attempts.look_up(self.state, self.ledger_time(), self.find_settlement)
        async with self._lock:
            await self.tail.catch_up()
            if await self._is_halted():
                return 0
            now = self.ledger_time()
            entries = await self._report_soft_limits(now)
            decided = due(self.state, now, reservation_idle_s, attempts.settlements)
            entries += itertools.islice(decided, BATCH_MAX)
            if not entries:
                return 0
            self.state.undo_log.begin()
            for entry in entries:
                await self._report_overrun(entry, now)
                self.state.apply(entry, now)
            if not await self._append(entries, now):
                return 0
            self.refused.clear()
            return len(entries)

    async def refresh(self) -> None:
        """Apply what other replicas have committed, so that the state is up to date."""
        async with self._lock:
            await self.tail.catch_up()

    async def repair(self, request: RepairLedger) -> LedgerRepair:
        """Show the unreadable messages, and void those that the request names."""
        async with self._lock:
            await self.check_clock()
            return await repair(self.tail, self.clock, self.by, request)

    async def check_clock(self) -> None:
        """Check the clock if that is due, however long the connection is lost."""
        if self.clock.is_stale:  # tenacity costs more CPU than all else in a small commit
            await self._check_stale_clock()

    @retry(retry=retry_if_exception_type(CONNECTION_ERRORS), wait=wait_fixed(READ_RETRY_S))
    async def _check_stale_clock(self) -> None:
        await self.clock.check_if_stale()

    def ledger_time(self) -> datetime:
        """Return this replica's clock, but never before the last commit: time never goes back."""
        now = self.clock.now()
        return now if self.state.at is None else max(now, self.state.at)

    async def _commit(self, batch: Sequence[PendingRequest]) -> None:
        """Decide a batch until its commit is in the stream, or until no entry is needed."""
        up_to_date = False
        while not await self._is_halted():
            now = self.ledger_time()
            decided = await self._decide(batch, now)
            if decided.entries:
                if await self._append(decided.entries, now):
                    return self._resolve(decided)
            else:
                self.state.undo_log.rollback()
                if up_to_date or decided.is_certain:
                    return self._resolve(decided)
                await self.tail.catch_up_patiently()
            up_to_date = True
        return self._refuse(batch)

    def _resolve(self, decided: DecidedBatch) -> None:
        self.refused |= decided.refusing_limits
        for pending, reply in decided.replies:
            pending.resolve(reply)

    def _refuse(self, batch: Sequence[PendingRequest]) -> None:
        """Reply what is certain without a commit or a fresh read, and refuse the rest."""
        halted, now = self.halted, self.ledger_time()
        assert halted is not None
        for pending in batch:
            try:
                reply, entries = decide(self.state, pending.request, now)
            except Exception as error:
                pending.fail(error)
                continue
            if entries or not is_certain(reply):
                pending.refuse(halted)
            else:
                pending.resolve(reply)

    async def _is_halted(self) -> bool:
        """Return whether nothing can be committed now.

        The clock is checked if that is due, and the end of the stream after a reconnection.
        """
        if self.tail.is_reconnected:
            await self.tail.catch_up_patiently()
        if self.tail.unreadable is None:
            await self.check_clock()
        return self.halted is not None

    async def _decide(self, batch: Sequence[PendingRequest], now: datetime) -> DecidedBatch:
        """Decide each request on the state that the requests before it leave. Nothing is final."""
        self.state.undo_log.begin()
        decided = DecidedBatch()
        for pending in batch:
            try:
                reply, entries = decide(self.state, pending.request, now)
            except Exception as error:  # one bad request must not fail the others
                log.exception("A request could not be decided: %r", pending.request)
                pending.fail(error)
                continue
            decided.replies.append((pending, reply))
            decided.entries += entries
            for entry in entries:
                await self._report_overrun(entry, now)
                self.state.apply(entry, now)
        return decided

    async def _report_overrun(self, entry: Entry, now: datetime) -> None:
        """Raise an overrun's alert before its entry is written, so that no crash loses it.

        The alert's id is derived from the attempt, so a second try raises the same alert.
        """
        if isinstance(entry, AttemptSettled) and (alert := overrun(self.state, entry, now)):
            await self.tail.report(alert)

    async def _report_soft_limits(self, now: datetime) -> list[Entry]:
        entries: list[Entry] = []
        for entry, alert in soft_limit_alerts(self.state, self.refused, now):
            await self.tail.report(alert)
            entries.append(entry)
        return entries

    async def _append(self, entries: Sequence[Entry], now: datetime) -> bool:
        """Append a commit after the last message of the state.

        False: it is not in the stream at that place, the tried entries are rolled back, and the
        state is up to date again.
        """
        position = self.tail.position
        commit = Commit(previous=position.digest, at=now, by=self.by, entries=tuple(entries))
        data = COMMIT.dump_json(commit)
        try:
            await self.tail.publish(data, position.sequence)
        except APIError as refused:
            self.state.undo_log.rollback()
            if not is_wrong_sequence(refused):
                raise
            self.tail.is_refused = True
            await self.tail.catch_up_patiently()
            await asyncio.sleep(random.random() * YIELD_S_MAX)
            return False
        except CONNECTION_ERRORS as error:
            self.state.undo_log.rollback()
            log.warning("The outcome of a commit is unknown; reading the ledger again: %r", error)
            await asyncio.sleep(UNKNOWN_OUTCOME_S)
            await self.tail.catch_up_patiently()
            return False
        self.state.finish_commit(now)
        position.pass_commit(position.sequence + 1, digest_of(data), commit)
        await self.on_commit(self.state, position)
        return True
