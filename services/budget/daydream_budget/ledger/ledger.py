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
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError
from tenacity import retry, retry_if_exception_type, wait_fixed

from daydream_budget.ledger.alerts import overrun, soft_limit_alerts
from daydream_budget.ledger.entries import COMMIT, AttemptSettled, Commit, Entry
from daydream_budget.ledger.replay import replay
from daydream_budget.ledger.rules import LedgerRequest, decide, due, is_certain
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.events import AlertRaised, ContractModel
from daydream_contracts.topology import LEDGER, LEDGER_SUBJECT

log = logging.getLogger(__name__)
WRONG_SEQUENCE = (10071, 10164)
BATCH_MAX = 256
PUBLISH_S = 2.0
READ_RETRY_S = 0.1
UNKNOWN_OUTCOME_S = 0.05  # wait before the tail is read after a timeout
YIELD_S_MAX = 0.005  # after a lost race: without it losers starve for seconds
CONNECTION_ERRORS = (nats.errors.Error, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class PendingRequest:
    """A request that waits for the next commit."""

    request: LedgerRequest
    reply: asyncio.Future[ContractModel]

    def resolve(self, reply: ContractModel) -> None:
        """Reply, unless the client has gone."""
        if not self.reply.done():
            self.reply.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Raise the error at the client, unless it has gone."""
        if not self.reply.done():
            self.reply.set_exception(error)


@dataclass
class DecidedBatch:
    """What was decided for a batch, and tried on the state since `undo_log.begin`."""

    replies: list[tuple[PendingRequest, ContractModel]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_certain(self) -> bool:
        """Return whether all replies hold even if the state is behind."""
        return all(is_certain(reply) for _, reply in self.replies)

    @property
    def refusing_limits(self) -> set[str]:
        """Return the limits (scope/window) that are used up. Waiting near a cap is no refusal."""
        refusals = (getattr(reply, "refusal", None) for _, reply in self.replies)
        reached = (refusal for refusal in refusals if refusal and not refusal.near_cap)
        return {name for refusal in reached for name in refusal.limits}


@dataclass
class Ledger:
    """The ledger state of one replica, and its way to commit.

    `sequence` is the last commit in the state. `by` names the replica in its commits. `report`
    raises an alert. `on_commit` is awaited after each commit with the state and sequence, before
    the next one is decided. `refused` holds the limits that have refused since the last sweep.
    """

    js: JetStreamContext
    state: LedgerState
    sequence: int
    by: str
    report: Callable[[AlertRaised], Awaitable[None]]
    on_commit: Callable[[LedgerState, int], Awaitable[None]]
    refused: set[str] = field(default_factory=set)
    _pending: asyncio.Queue[PendingRequest] = field(default_factory=asyncio.Queue)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # committer, sweeper and readers

    async def submit(self, request: LedgerRequest) -> Any:
        """Return the reply once what it rests on is committed."""
        reply: asyncio.Future[ContractModel] = asyncio.get_running_loop().create_future()
        self._pending.put_nowait(PendingRequest(request, reply))
        return await reply

    async def commit_forever(self) -> None:
        """Decide and commit pending requests until cancelled."""
        while True:
            batch = [await self._pending.get()]
            while len(batch) < BATCH_MAX and not self._pending.empty():
                batch.append(self._pending.get_nowait())
            try:
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

    async def sweep(self, reservation_idle_s: float) -> int:
        """Write what time has decided and the soft limits to report; return the number of entries.

        An alert is raised before its entry is written, under an id that makes it the same alert.
        After a lost race nothing is written, and the next sweep tries again.
        """
        async with self._lock:
            await self._catch_up()
            now = self.ledger_time()
            entries = await self._report_soft_limits(now)
            entries += itertools.islice(due(self.state, now, reservation_idle_s), BATCH_MAX)
            if not entries:
                return 0
            self.state.undo_log.begin()
            for entry in entries:
                self.state.apply(entry, now)
            if not await self._append(entries, now):
                return 0
            self.refused.clear()
            return len(entries)

    async def refresh(self) -> None:
        """Apply what other replicas have committed, so that the state is up to date."""
        async with self._lock:
            await self._catch_up()

    def ledger_time(self) -> datetime:
        """Return this replica's clock, but never before the last commit: time never goes back."""
        now = datetime.now(UTC)
        return now if self.state.at is None else max(now, self.state.at)

    async def _commit(self, batch: Sequence[PendingRequest]) -> None:
        """Decide a batch until its commit is in the stream, or until no entry is needed."""
        up_to_date = False
        while True:
            now = self.ledger_time()
            decided = await self._decide(batch, now)
            if decided.entries:
                if await self._append(decided.entries, now):
                    break
            else:
                self.state.undo_log.rollback()
                if up_to_date or decided.is_certain:
                    break
                await self._catch_up_patiently()
            up_to_date = True
        self.refused |= decided.refusing_limits
        for pending, reply in decided.replies:
            pending.resolve(reply)

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
            await self.report(alert)

    async def _report_soft_limits(self, now: datetime) -> list[Entry]:
        entries: list[Entry] = []
        for entry, alert in soft_limit_alerts(self.state, self.refused, now):
            await self.report(alert)
            entries.append(entry)
        return entries

    async def _append(self, entries: Sequence[Entry], now: datetime) -> bool:
        """Append a commit after `sequence`.

        False: it is not in the stream at that place, the tried entries are rolled back, and the
        state is up to date again.
        """
        commit = Commit(at=now, by=self.by, entries=tuple(entries))
        headers = {"Nats-Expected-Last-Subject-Sequence": str(self.sequence)}
        try:
            ack = await self.js.publish(
                LEDGER_SUBJECT, COMMIT.dump_json(commit), headers=headers, timeout=PUBLISH_S
            )
        except APIError as refused:
            self.state.undo_log.rollback()
            if refused.err_code not in WRONG_SEQUENCE:
                raise
            await self._catch_up_patiently()
            await asyncio.sleep(random.random() * YIELD_S_MAX)
            return False
        except CONNECTION_ERRORS as error:
            self.state.undo_log.rollback()
            log.warning("The outcome of a commit is unknown; reading the ledger again: %r", error)
            await asyncio.sleep(UNKNOWN_OUTCOME_S)
            await self._catch_up_patiently()
            return False
        self.state.finish_commit(now)
        self.sequence = ack.seq
        await self.on_commit(self.state, self.sequence)
        return True

    async def _catch_up(self) -> None:
        """Apply the commits after `sequence`, until there are no more."""
        while True:
            try:
                message = await self.js.get_msg(
                    LEDGER, seq=self.sequence + 1, subject=LEDGER_SUBJECT, next=True
                )
            except NotFoundError:
                return
            if message.seq != self.sequence + 1:  # archived since: this replica was away long
                self.sequence = await replay(self.js, self.state, self.sequence)
                continue
            self.state.fold(COMMIT.validate_json(message.data or b""))
            self.sequence += 1

    @retry(retry=retry_if_exception_type(CONNECTION_ERRORS), wait=wait_fixed(READ_RETRY_S))
    async def _catch_up_patiently(self) -> None:
        """Catch up, however long the connection is lost."""
        await self._catch_up()
