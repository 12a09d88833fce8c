"""Pay once: calls are deduplicated by their id. Every arrow is one compare-and-set on a record.

    absent  --claim-->   claimed --store--> answered     the usual way: two writes
    claimed --release--> free    --claim--> claimed      the attempt failed; it may be asked again
    claimed --silence--> claimed, owner_crashes + 1      the owner died; a waiter repeats the call
    claimed, owner_crashes = OWNER_CRASHES_MAX --silence--> refused  lost too often

- A waiter takes over when the owner's replica has been silent (`replicas`).
- What a dead owner had authorized is never settled, so the ledger counts it in full.
- A paid answer beats a claim, since its owner may only have been paused; the first stored answer
  wins. So a pause of an owner costs at most one repeated call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from uuid import uuid4

import nats.errors
from nats.js.errors import APIError
from tenacity import (
    AsyncRetrying,
    before_sleep_log,
    retry_if_exception_type,
    wait_random_exponential,
)

from daydream_budget.gateway.calls.record import CallRecord, StoredAnswer
from daydream_budget.gateway.calls.record_store import (
    CallRecordStore,
    RecordTakenError,
    RecordTooLargeError,
)
from daydream_budget.gateway.calls.replicas import ReplicaLiveness
from daydream_budget.gateway.refusals import CallRefusedError

log = logging.getLogger(__name__)
OWNER_CRASHES_MAX = 2
STORE_WAIT_S, STORE_WAIT_S_MAX = 0.1, 2.0
BROKER_ERRORS = (nats.errors.Error, APIError, ConnectionError, TimeoutError)
IN_FLIGHT_RETRY_S = 1.0


@dataclass
class CallClaim:
    """A call that this replica works on."""

    key: str
    record: CallRecord
    revision: int
    stored: bool = False


class CallClaims:
    """The calls of all replicas, as this one sees them."""

    def __init__(self, records: CallRecordStore, replicas: ReplicaLiveness) -> None:
        self._records = records
        self._replicas = replicas
        self._active: set[str] = set()  # claims that this process works on
        self._tasks: set[asyncio.Task[None]] = set()

    async def claim_new(self, key: str, digest: str) -> CallClaim | None:
        """Claim a call that was never asked before, the usual way. None: it is known."""
        try:
            return await self._claim(key, CallRecord(), 0, digest)
        except RecordTakenError:
            return None

    async def answer_or_claim(
        self, key: str, digest: str, patience_s: float, *, same_request: bool
    ) -> StoredAnswer | CallClaim:
        """Return the stored answer of a call, or a claim to work on it.

        Wait while another replica works on it. Raise CallRefusedError after `patience_s`, for a
        call that was lost too often, and with `same_request` for a call id that another request
        has used.
        """
        deadline = time.monotonic() + patience_s
        async with self._records.changes(key) as changed:
            while True:
                record, revision = await self._records.read(key)
                if same_request and record.digest not in ("", digest):
                    raise CallRefusedError.of_reused_id()
                if record.answer is not None:
                    return record.answer
                if self._is_free(record):
                    with contextlib.suppress(RecordTakenError):  # another waiter was faster
                        return await self._claim(key, record, revision, digest)
                    continue
                if time.monotonic() > deadline:
                    raise CallRefusedError.of_call_in_flight(IN_FLIGHT_RETRY_S)
                await _wait_for(changed, self._replicas.silence_s / 4)

    def _is_free(self, record: CallRecord) -> bool:
        """Return whether no replica works on a call.

        A claim of this process that it no longer works on was not released, since NATS was away.
        """
        if record.state != "claimed" or record.owner == self._replicas.name:
            return record.claim not in self._active
        return self._replicas.is_silent(record.owner)

    async def _claim(self, key: str, before: CallRecord, revision: int, digest: str) -> CallClaim:
        is_dead = before.state == "claimed" and before.owner != self._replicas.name
        owner_crashes = before.owner_crashes + is_dead
        if owner_crashes > OWNER_CRASHES_MAX:
            raise CallRefusedError.of_lost_call(owner_crashes)
        record = CallRecord(
            state="claimed",
            owner=self._replicas.name,
            claim=uuid4().hex,
            owner_crashes=owner_crashes,
            digest=before.digest or digest,
        )
        self._active.add(record.claim)  # before it is stored: another request may read it at once
        try:
            return CallClaim(key, record, await self._records.write(key, record, revision))
        except (RecordTakenError, *BROKER_ERRORS) as error:
            self._active.discard(record.claim)
            if not isinstance(error, RecordTakenError):
                self._free_later(key, record)
            raise

    async def release(self, claim: CallClaim) -> None:
        """Let others ask, if no answer was stored."""
        self._active.discard(claim.record.claim)
        if claim.stored:
            return
        try:
            await self._records.write(claim.key, _freed(claim.record), claim.revision)
        except RecordTakenError:
            pass  # somebody has taken over
        except BROKER_ERRORS as error:
            log.warning("a claim is released later: %r", error)
            self._free_later(claim.key, claim.record)

    def _free_later(self, key: str, claimed: CallRecord) -> None:
        """Free a claim in the background, which may be stored though nothing was acknowledged.

        Other replicas would wait for this one, as it is alive.
        """
        task = asyncio.create_task(self._free(key, claimed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _free(self, key: str, claimed: CallRecord) -> None:
        with contextlib.suppress(RecordTakenError):
            async for attempt in _retrying():
                with attempt:
                    record, revision = await self._records.read(key)
                    if record.state == "claimed" and record.claim == claimed.claim:
                        await self._records.write(key, _freed(record), revision)

    async def store(self, claim: CallClaim, answer: StoredAnswer) -> StoredAnswer:
        """Store an answer and return the one that counts: the first that was stored.

        Retry for as long as it takes, since it is paid for. An answer that is too large for the
        broker is not stored: a repeated request pays for it again.
        """
        try:
            try:
                stored = await self._store(claim, answer)
            except BROKER_ERRORS:
                stored = await _retrying()(self._store, claim, answer)
        except RecordTooLargeError as error:
            log.error("The answer of a call is not stored: %s", error)
            return answer
        claim.stored = True
        return stored

    async def stored(self, key: str) -> StoredAnswer | None:
        """Return the answer of a call, or None."""
        record, _ = await self._records.read(key)
        return record.answer

    async def store_unclaimed(self, key: str, answer: StoredAnswer) -> StoredAnswer:
        """Store the answer of a call that was made without a claim, as `store` does."""
        record, revision = await self._records.read(key)
        return record.answer or await self.store(CallClaim(key, record, revision), answer)

    async def _store(self, claim: CallClaim, answer: StoredAnswer) -> StoredAnswer:
        while True:
            answered = claim.record.model_copy(update={"state": "answered", "answer": answer})
            try:
                claim.revision = await self._records.write(claim.key, answered, claim.revision)
            except RecordTakenError:
                record, claim.revision = await self._records.read(claim.key)
                if record.answer is not None:  # by another one, or by us without an acknowledgement
                    return record.answer
            else:
                return answer


def _freed(record: CallRecord) -> CallRecord:
    return record.model_copy(update={"state": "free", "owner": "", "claim": ""})


def _retrying() -> AsyncRetrying:
    """Return what repeats until NATS is back."""
    return AsyncRetrying(
        retry=retry_if_exception_type(BROKER_ERRORS),
        wait=wait_random_exponential(multiplier=STORE_WAIT_S, max=STORE_WAIT_S_MAX),
        before_sleep=before_sleep_log(log, logging.WARNING),
    )


async def _wait_for(event: asyncio.Event, timeout_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()
