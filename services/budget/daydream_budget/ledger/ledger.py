"""The ledger over JetStream: one publish with expected-last-sequence for all that waits (group commit).

That sequence is the fence. Two replicas that decide at once can't both win: the loser takes back what it tried, folds the
tail and decides again. After a timeout nobody infers: the tail is read, and the questions, being idempotent, are decided
again on what is really there. A "no", and a "that is not known here", is only said on a fresh read, or with a commit that the
stream has taken, which proves that the books were fresh: another replica may have opened what this one has not read of yet.

The idempotency of an entry lives in the fold, not in the broker's duplicate window, which forgets on restart.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from daydream_budget.alerts import crossings, overrun
from daydream_budget.ledger import archive
from daydream_budget.ledger.entries import COMMIT, AttemptSettled, Commit, Entry
from daydream_budget.ledger.rules import Question, decide, due, is_sure
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import AlertRaised, ContractModel
from daydream_contracts.topology import LEDGER, LEDGER_SUBJECT

log = logging.getLogger(__name__)
WRONG_SEQUENCE = (10071, 10164)
BATCH_MAX = 256
PUBLISH_S = 2.0
YIELD_S_MAX = (
    0.005  # after losing a race: lets the other replicas in; without it losers starve for seconds
)

Waiting = tuple[Question, asyncio.Future[ContractModel]]


class Ledger:
    """The books of one replica, and its way to commit."""

    def __init__(
        self,
        js: JetStreamContext,
        books: LedgerState,
        sequence: int,
        *,
        by: str,
        tell: Callable[[AlertRaised], Awaitable[None]],
        on_commit: Callable[[], Awaitable[None]],
    ) -> None:
        self.books = books
        self.sequence = sequence
        self.refused: set[str] = set()  # limits that have refused since the last sweep
        self._js = js
        self._by = by
        self._tell = tell
        self._on_commit = on_commit
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue()
        self._turn = (
            asyncio.Lock()
        )  # the committer, the sweeper and readers take turns with the books

    async def ask(self, question: Question) -> Any:
        """The answer, once what it rests on is committed."""
        answer: asyncio.Future[ContractModel] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((question, answer))
        return await answer

    async def commit_forever(self) -> None:
        """Decide and commit what waits, for ever."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < BATCH_MAX and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            try:
                async with self._turn:
                    await self._commit(batch)
            except asyncio.CancelledError:
                self.books.journal.rollback()
                for _, answer in batch:
                    answer.cancel()
                raise
            except Exception as error:
                self.books.journal.rollback()
                log.exception("a batch of %d questions failed", len(batch))
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(error)

    async def sweep(self, reservation_idle_s: float) -> int:
        """Write down what time has decided, and which limits it is time to warn of; how many entries that were. A lost race is
        left to the next sweep. An alert is raised before it is written down, under an id that makes it the same alert."""
        async with self._turn:
            await self._catch_up()
            now = self.now()
            crossed = crossings(self.books, self.refused, now)
            for _, alert in crossed:
                await self._tell(alert)
            entries: list[Entry] = [entry for entry, _ in crossed]
            entries += itertools.islice(due(self.books, now, reservation_idle_s), BATCH_MAX)
            if not entries:
                return 0
            self.books.journal.mark()
            for entry in entries:
                self.books.apply(entry, now)
            if not await self._publish(entries, now):
                return 0
            self.refused.clear()
            return len(entries)

    async def refresh(self) -> None:
        """Fold what other replicas have committed, so that what is shown is fresh."""
        async with self._turn:
            await self._catch_up()

    async def _catch_up(self) -> int:
        count = 0
        while True:
            try:
                message = await self._js.get_msg(
                    LEDGER, seq=self.sequence + 1, subject=LEDGER_SUBJECT, next=True
                )
            except NotFoundError:
                return count
            if message.seq != self.sequence + 1:  # archived since: this replica has slept long
                self.sequence = await replay(self._js, self.books, self.sequence)
                continue
            self.books.fold(COMMIT.validate_json(message.data or b""))
            self.sequence += 1
            count += 1

    async def _commit(self, batch: list[Waiting]) -> None:
        fresh = False
        while True:
            now = self.now()
            self.books.journal.mark()
            answers: list[ContractModel] = []
            entries: list[Entry] = []
            for question, waiting in batch:
                try:
                    answer, decided = decide(self.books, question, now)
                except Exception as error:  # one bad question must not fail those of others
                    log.exception("a question could not be decided: %r", question)
                    answer, decided = ContractModel(), ()
                    if not waiting.done():
                        waiting.set_exception(error)
                answers.append(answer)
                for entry in decided:
                    if isinstance(entry, AttemptSettled) and (
                        alert := overrun(self.books, entry, now)
                    ):
                        await self._tell(
                            alert
                        )  # before it is written, under an id of its own: told once, and not lost with this replica
                    self.books.apply(entry, now)
                entries += decided
            if entries:
                if await self._publish(entries, now):
                    break
                fresh = True
                continue
            self.books.journal.rollback()
            if fresh or all(is_sure(answer) for answer in answers):
                break
            await self._catch_up_patiently()
            fresh = True
        self.refused.update(
            name
            for answer in answers
            if (refusal := getattr(answer, "refusal", None))
            for name in refusal.limits
        )
        for (_, waiting), answer in zip(batch, answers, strict=True):
            if not waiting.done():
                waiting.set_result(answer)

    async def _publish(self, entries: list[Entry], now: datetime) -> bool:
        """Append a commit at the place where the books stand. False: it did not happen there; the books are fresh again."""
        commit = Commit(at=now, by=self._by, entries=tuple(entries))
        headers = {"Nats-Expected-Last-Subject-Sequence": str(self.sequence)}
        try:
            ack = await self._js.publish(
                LEDGER_SUBJECT, COMMIT.dump_json(commit), headers=headers, timeout=PUBLISH_S
            )
        except APIError as refused:
            self.books.journal.rollback()
            if refused.err_code not in WRONG_SEQUENCE:
                raise
            await self._catch_up_patiently()
            await asyncio.sleep(random.random() * YIELD_S_MAX)
            return False
        except (nats.errors.Error, ConnectionError, TimeoutError) as trouble:
            self.books.journal.rollback()
            log.warning("the fate of a commit is unknown, so the ledger is read again: %r", trouble)
            await asyncio.sleep(0.05)
            await self._catch_up_patiently()
            return False
        self.books.keep(now)
        self.sequence = ack.seq
        await self._on_commit()
        return True

    async def _catch_up_patiently(self) -> None:
        while True:
            try:
                await self._catch_up()
                return
            except (nats.errors.Error, ConnectionError, TimeoutError):
                await asyncio.sleep(0.1)

    def now(self) -> datetime:
        """This replica's clock, but never before the last commit: time in the ledger does not go back."""
        now = datetime.now(UTC)
        return now if self.books.at is None else max(now, self.books.at)


async def replay(js: JetStreamContext, books: LedgerState, sequence: int) -> int:
    """Fold everything after `sequence`; the last sequence. ConfigurationError when commits are missing in between: what they spent is not
    known, so nothing can be granted."""
    async with aclosing(archive.commits(js, sequence)) as found:
        async for number, data in found:
            if number != sequence + 1:
                raise ConfigurationError(
                    f"the ledger lacks commits {sequence + 1} to {number - 1}",
                    "What was spent in them is not known, so nothing is granted. Restore the LEDGER stream, or its archive, from the mirror or a backup",
                )
            books.fold(COMMIT.validate_json(data))
            sequence = number
    return sequence
