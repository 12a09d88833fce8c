"""What a gateway has not settled when it died, by a real ledger and real records of calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from nats.aio.client import Client

from daydream_budget.gateway.calls.claims import CallClaims
from daydream_budget.gateway.calls.record import StoredAnswer, record_key
from daydream_budget.gateway.calls.record_store import CallRecordStore
from daydream_budget.gateway.calls.replicas import ReplicaLiveness
from daydream_contracts.rpc import Authorize
from daydream_contracts.topology import BUDGET_AUTHORIZE
from daydream_runtime.rpc import RpcClient
from support.budget import budget_here
from support.gateway import MODEL, STAGE, LedgerClient
from support.programs import NatsServer

BOUND, COST = 1000, 7
CALL = "call of a gateway that died"
LIFETIME_S = 1.0


@pytest.fixture
async def ledger(server: NatsServer, nc: Client) -> AsyncIterator[LedgerClient]:
    async with budget_here(server, sweep_s=0.1):
        ledger = LedgerClient(RpcClient(nc))
        await ledger.cap(10**9)
        yield ledger


@pytest.fixture
async def claims(nc: Client, server: NatsServer) -> CallClaims:
    js = nc.jetstream()
    records = await CallRecordStore.open_buckets(nc, js, lambda bucket: js.key_value(bucket.name))
    return CallClaims(records, ReplicaLiveness(nc, "test"))


async def authorize(ledger: LedgerClient, nonce: str = "1") -> str:
    """Authorize an attempt that no gateway will settle."""
    request = Authorize(
        reservation_id=await ledger.reserve(),
        call_id=CALL,
        nonce=nonce,
        stage=STAGE,
        model=MODEL,
        upper_bound_nanousd=BOUND,
        lifetime_s=LIFETIME_S,
    )
    return (await ledger.rpc.request(BUDGET_AUTHORIZE, request)).attempt_id


async def store(claims: CallClaims, attempt_id: str, scope: str = f"stage:{STAGE}") -> None:
    """Store the answer that an attempt has paid for."""
    answer = StoredAnswer(
        attempt_id=attempt_id,
        cost_nanousd=COST,
        input_tokens=3,
        output_tokens=4,
        provider_id="answer-1",
        answered_at=datetime.now(UTC),
        body={},
    )
    await claims.store_unclaimed(record_key(scope, CALL), answer)


@pytest.mark.fault("F8", invariant="an answer that was stored costs what it says, settled or not")
async def test_a_lost_attempt_costs_what_its_stored_answer_says(
    ledger: LedgerClient, claims: CallClaims
) -> None:
    await store(claims, await authorize(ledger))
    state = await ledger.settled_ledger()
    assert state.settled_nanousd == COST
    (spend,) = state.spend
    assert (spend.input_tokens, spend.output_tokens, spend.unknown_calls) == (3, 4, 0)


async def test_a_lost_attempt_without_a_stored_answer_counts_in_full(ledger: LedgerClient) -> None:
    await authorize(ledger)
    state = await ledger.settled_ledger()
    assert state.settled_nanousd == BOUND
    assert state.spend[0].unknown_calls == 1


@pytest.mark.parametrize(
    ("attempt_id", "scope"),
    [(f"{CALL}:2", f"stage:{STAGE}"), (f"{CALL}:1", "stage:critic"), (f"{CALL}:1", "key:1")],
)
async def test_an_answer_that_another_attempt_or_caller_has_paid_for_settles_nothing(
    ledger: LedgerClient, claims: CallClaims, attempt_id: str, scope: str
) -> None:
    await authorize(ledger)
    await store(claims, attempt_id, scope)
    assert (await ledger.settled_ledger()).settled_nanousd == BOUND
