"""Claims of two replicas on one call, where NATS acknowledges nothing for a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from nats.aio.client import Client

from daydream_budget.gateway.calls.claims import CallClaim, CallClaims
from daydream_budget.gateway.calls.record import CallRecord
from daydream_budget.gateway.calls.record_store import CallRecordStore
from daydream_budget.gateway.calls.replicas import ReplicaLiveness

KEY, DIGEST, PATIENCE_S = "call", "digest", 3.0


class FakeLossyStore(CallRecordStore):
    """A real store whose next write is stored, but not acknowledged."""

    loses_acknowledgement = False

    async def write(self, key: str, record: CallRecord, revision: int) -> int:
        """Write the record."""
        revision = await super().write(key, record, revision)
        if self.loses_acknowledgement:
            self.loses_acknowledgement = False
            raise TimeoutError
        return revision


class Replica:
    """A replica as far as claims go."""

    def __init__(self, records: FakeLossyStore, liveness: ReplicaLiveness) -> None:
        self.records = records
        self.claims = CallClaims(records, liveness)

    async def new_claim(self) -> CallClaim:
        """Claim the call."""
        claim = await self.claims.answer_or_claim(KEY, DIGEST, PATIENCE_S, same_request=True)
        assert isinstance(claim, CallClaim)
        return claim


@pytest.fixture
async def replicas(nc: Client) -> AsyncIterator[list[Replica]]:
    js = nc.jetstream()
    async with AsyncExitStack() as stack:
        alive = [ReplicaLiveness(nc, name) for name in ("first", "second")]
        for liveness in alive:
            await stack.enter_async_context(liveness.alive())
        yield [
            Replica(
                await FakeLossyStore.open_buckets(nc, js, lambda bucket: js.key_value(bucket.name)),
                liveness,
            )
            for liveness in alive
        ]


async def test_a_claim_without_an_acknowledgement_is_given_back_by_a_replica_that_lives(
    replicas: list[Replica],
) -> None:
    first, second = replicas
    first.records.loses_acknowledgement = True
    with pytest.raises(TimeoutError):
        await first.new_claim()
    assert (await second.new_claim()).record.owner_crashes == 0


async def test_a_release_without_an_acknowledgement_is_made_again(replicas: list[Replica]) -> None:
    first, second = replicas
    claim = await first.new_claim()
    first.records.loses_acknowledgement = True
    await first.claims.release(claim)
    assert (await second.new_claim()).record.owner_crashes == 0
