"""The lock that a replica holds while it changes the store, and how many ordinals are assigned.

Both are one record in a bucket, changed by compare-and-set. States: free → held (until its holder
is done, or its lease expires) → free. A holder assigns ordinals in three steps: it writes the facts
that get them into the record, then into the store, then takes them out of the record. The next
holder completes that for one that died. A holder that was stopped beyond its lease and continues
cannot assign an ordinal twice. What else it writes is what the next one writes too: both go by what
the store says, and the message that it worked on is redelivered.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import nats.errors
import nats.js.errors
from nats.js.kv import KeyValue
from pydantic import BaseModel, ConfigDict
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random

from daydream_contracts.errors import RetryLaterError
from daydream_runtime.cas_state import CasState
from daydream_runtime.leader import LEADER_LEASE, LeaderLease

PATIENCE_S = 60.0
POLL_MIN_S, POLL_MAX_S = 0.01, 0.03
RENEWALS_PER_LEASE = 3


class WriteLockState(BaseModel):
    """The record.

    `assigned`: number of ordinals assigned. `assigning`: the facts that get the last of them, until
    the store has them.
    """

    model_config = ConfigDict(frozen=True)

    assigned: int = 0
    assigning: tuple[str, ...] = ()
    holder: str = ""
    until: datetime = datetime.min.replace(tzinfo=UTC)

    def held_by(self, replica: str) -> bool:
        """Return whether this replica holds the lock."""
        return self.holder == replica


class _HeldByAnotherError(Exception):
    """Another replica holds the lock."""


class WriteLock:
    """The lock as one replica uses it."""

    def __init__(self, bucket: KeyValue, key: str) -> None:
        self._state = CasState(bucket, key, WriteLockState())
        self._leader = LeaderLease(bucket, f"{key}.leader")
        self._replica = uuid4().hex
        self._local = asyncio.Lock()  # among the tasks of this replica

    async def read(self) -> WriteLockState:
        """Return the record as it is now."""
        return await self._state.read()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[WriteLockState]:
        """Acquire the lock and hold it. Raise RetryLaterError when others hold it too long."""
        async with self._local:
            state = await self._acquire()
            renewing = asyncio.create_task(self._renew())
            try:
                yield state
            finally:
                renewing.cancel()
                await self._update(holder="")

    async def _acquire(self) -> WriteLockState:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(_HeldByAnotherError),
            wait=wait_random(POLL_MIN_S, POLL_MAX_S),
            stop=stop_after_delay(PATIENCE_S),
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    return await self._try_acquire()
        except _HeldByAnotherError as error:
            raise RetryLaterError("Another replica of the memory is changing the store") from error
        raise AssertionError

    async def _try_acquire(self) -> WriteLockState:
        now = datetime.now(UTC)

        def take(state: WriteLockState) -> tuple[WriteLockState, WriteLockState]:
            if state.holder not in ("", self._replica) and state.until > now:
                raise _HeldByAnotherError
            held = state.model_copy(update={"holder": self._replica, "until": now + LEADER_LEASE})
            return held, held

        return await self._state.change(take)

    async def _renew(self) -> None:
        """Extend the lease while a long change is in progress."""
        while True:
            await asyncio.sleep(LEADER_LEASE.total_seconds() / RENEWALS_PER_LEASE)
            with contextlib.suppress(
                nats.errors.Error, nats.js.errors.Error, TimeoutError
            ):  # the next renewal may come in time
                await self._update(until=datetime.now(UTC) + LEADER_LEASE)

    async def _update(self, **changes: object) -> None:
        """Change the record if this replica still holds the lock."""

        def update(state: WriteLockState) -> tuple[WriteLockState, None]:
            held = state.held_by(self._replica)
            return (state.model_copy(update=changes) if held else state), None

        await self._state.change(update)

    async def assign(self, fact_ids: Sequence[str]) -> int:
        """Assign the next ordinals to these facts and return the first.

        Raise RetryLaterError when this replica has lost the lock.
        """

        def update(state: WriteLockState) -> tuple[WriteLockState, int]:
            if not state.held_by(self._replica):
                raise RetryLaterError("Another replica of the memory took the write lock")
            assigned = state.assigned + len(fact_ids)
            changes = {"assigned": assigned, "assigning": tuple(fact_ids)}
            return state.model_copy(update=changes), state.assigned

        return await self._state.change(update)

    async def complete_assignment(self) -> None:
        """Note that the store has the ordinals."""
        await self._update(assigning=())

    async def reset_assigned(self, assigned: int) -> None:
        """Set the number of ordinals to what the store holds, when the record was lost."""
        await self._update(assigned=assigned)

    async def is_leader(self) -> bool:
        """Return whether this replica embeds and finds domains. One does: vectors may cost."""
        return await self._leader.acquire_or_renew()

    async def resign(self) -> None:
        """Hand leadership over to another replica."""
        await self._leader.release()
