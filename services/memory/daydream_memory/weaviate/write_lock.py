"""Whose turn it is to change the store, and which ordinals are given: one record in a bucket, changed by compare-and-set.

States: free → held (until its holder is done, or its lease runs out) → free. A holder gives ordinals by writing the facts that get them into the
record; then it writes them to the store; then it takes them out of the record. Whoever comes after one that died completes that first.
A holder that was stopped beyond its lease and goes on can't give an ordinal twice; what it writes besides is what the next one writes too, since
both go by what the store says, and the message that it worked on comes again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import nats.errors
import nats.js.errors
from nats.js.kv import KeyValue
from pydantic import BaseModel, ConfigDict

from daydream_contracts.errors import RetryLaterError
from daydream_runtime.cas_state import CasState
from daydream_runtime.leader import LEASE, LeaderLease

PATIENCE = timedelta(seconds=60)
LOOK_AGAIN_S = 0.02


class WriteLockState(BaseModel):
    """`given`: how many ordinals are given. `giving`: the facts that get the last of them, until the store has it."""

    model_config = ConfigDict(frozen=True)

    given: int = 0
    giving: tuple[str, ...] = ()
    holder: str = ""
    until: datetime = datetime.min.replace(tzinfo=UTC)


class WriteLock:
    """The turns of one replica."""

    def __init__(self, bucket: KeyValue, key: str) -> None:
        self._state = CasState(bucket, key, WriteLockState())
        self._lead = LeaderLease(bucket, f"{key}.leader")
        self._me = uuid4().hex
        self._here = asyncio.Lock()  # among the tasks of this replica

    async def record(self) -> WriteLockState:
        """The record as it is now."""
        return await self._state.read()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[WriteLockState]:
        """Wait for the turn and hold it. RetryLaterError when others take too long."""
        async with self._here:
            record = await self._taken()
            keeping = asyncio.create_task(self._keep())
            try:
                yield record
            finally:
                keeping.cancel()
                await self._state.change(
                    lambda now: (
                        now.model_copy(update={"holder": ""}) if now.holder == self._me else now,
                        None,
                    )
                )

    async def _keep(self) -> None:
        """Lengthen the lease while a long change goes on."""

        def longer(record: WriteLockState) -> tuple[WriteLockState, None]:
            return (
                record.model_copy(update={"until": datetime.now(UTC) + LEASE})
                if record.holder == self._me
                else record
            ), None

        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with contextlib.suppress(
                nats.errors.Error, nats.js.errors.Error, TimeoutError
            ):  # the next try may come in time
                await self._state.change(longer)

    async def _taken(self) -> WriteLockState:
        patience = datetime.now(UTC) + PATIENCE
        while True:
            now = datetime.now(UTC)

            def take(
                record: WriteLockState, now: datetime = now
            ) -> tuple[WriteLockState, WriteLockState | None]:
                if record.holder not in ("", self._me) and record.until > now:
                    return record, None
                taken = record.model_copy(update={"holder": self._me, "until": now + LEASE})
                return taken, taken

            if (record := await self._state.change(take)) is not None:
                return record
            if now > patience:
                raise RetryLaterError("another replica of the memory is changing the store")
            await asyncio.sleep(LOOK_AGAIN_S * (0.5 + random.random()))

    async def give(self, fact_ids: Sequence[str]) -> int:
        """Give the next ordinals to these facts; the first of them. RetryLaterError when this replica's turn is over."""

        def change(record: WriteLockState) -> tuple[WriteLockState, int]:
            if record.holder != self._me:
                raise RetryLaterError("another replica of the memory took over")
            return record.model_copy(
                update={"given": record.given + len(fact_ids), "giving": tuple(fact_ids)}
            ), record.given

        return await self._state.change(change)

    async def given(self) -> None:
        """The store has them."""
        await self._state.change(
            lambda record: (
                record.model_copy(update={"giving": ()}) if record.holder == self._me else record,
                None,
            )
        )

    async def leads(self) -> bool:
        """Whether it is this replica that embeds and finds domains: one at a time, since vectors may cost."""
        return await self._lead.mine()

    async def leave(self) -> None:
        """Hand over to the others."""
        await self._lead.leave()

    async def found(self, given: int) -> None:
        """So many ordinals are in the store, and the record does not know it."""
        await self._state.change(
            lambda record: (
                record.model_copy(update={"given": given}) if record.holder == self._me else record,
                None,
            )
        )
