"""A request to a model, paid from the real ledger, at a real endpoint that counts by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from nats.aio.client import Client
from pydantic import BaseModel

from daydream_console.local.processes import free_port
from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.rpc import (
    AllocationRequest,
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    OpenReservation,
    ReleaseReservation,
    SetLimit,
)
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    BUDGET_OPEN,
    BUDGET_RELEASE,
    BUDGET_STATE,
    RESPONSES,
)
from daydream_models.budget_client import BudgetClient
from daydream_models.client import BudgetedModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.pricing.price_file import FlatPrice
from daydream_models.prompt import Prompt
from daydream_models.provider import ModelProvider
from daydream_models.response_store import ResponseStore, StoredResponse
from daydream_models.settings import ModelSettings
from daydream_runtime.provisioning import provision
from daydream_runtime.rpc import RpcClient
from daydream_runtime.telemetry import start_telemetry
from support.programs import Endpoint, NatsServer
from support.services import service

PRICE = FlatPrice(input_usd_per_mtok=Decimal("0.15"), output_usd_per_mtok=Decimal("0.60"))
SCHEMA = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}},
    "required": ["reasoning"],
    "additionalProperties": False,
}
PROMPT = Prompt("test.v1", "ReasonAnswer.", "About {{thing}}.", SCHEMA)


class ReasonAnswer(BaseModel):
    """The answer that the tests ask for."""

    reasoning: str


class PaidModel:
    """A model client, and the accounts of ledger and endpoint."""

    def __init__(
        self, nc: Client, endpoint: Endpoint, responses: ResponseStore, timeout_s: float = 10
    ) -> None:
        self.rpc = RpcClient(nc)
        self.endpoint = endpoint
        self.telemetry = start_telemetry("synthesizer", "test")
        self.settings = ModelSettings(name="priced-1", base_url=endpoint.url, timeout_s=timeout_s)
        self.responses = responses
        self.model = self.new_client()

    def new_client(self) -> BudgetedModelClient:
        """Return the client of another worker over the same stores."""
        return BudgetedModelClient(
            ModelProvider(self.settings),
            PRICE,
            BudgetClient(self.rpc, "synthesizer", "priced-1"),
            self.responses,
            self.telemetry,
        )

    async def new_request(self, key: str = "", bound: int = 10**8) -> ModelRequest:
        reservation_id = uuid4().hex
        part = AllocationRequest(stage="synthesizer", model="priced-1", upper_bound_nanousd=bound)
        grant = await self.rpc.request(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=reservation_id, allocations=(part,), requested_at=datetime.now(UTC)
            ),
        )
        assert grant.granted, grant.refusal
        return ModelRequest(
            key or uuid4().hex,
            reservation_id,
            PROMPT,
            PROMPT.fill(thing=key or uuid4().hex),
            200,
            0.5,
        )

    async def ledger(self) -> BudgetState:
        """Return the state of the ledger."""
        return await self.rpc.request(BUDGET_STATE, EmptyRequest())


@pytest.fixture
async def paid(
    server: NatsServer, nc: Client, endpoint: Endpoint, tmp_path: Path
) -> AsyncIterator[PaidModel]:
    with service("budget", server.url, tmp_path / "budget"):
        await provision(nc, replicas=1)
        paid = PaidModel(
            nc, endpoint, ResponseStore(await nc.jetstream().key_value(RESPONSES.name))
        )
        await paid.rpc.request(
            BUDGET_CHANGE,
            ChangeBudget(
                change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=10**9), who="test"
            ),
        )
        yield paid


async def test_a_call_costs_what_the_endpoint_reports_and_the_rest_is_returned(
    paid: PaidModel,
) -> None:
    request = await paid.new_request()
    reply = await paid.model.request(request, ReasonAnswer)
    assert reply.value
    await paid.rpc.request(
        BUDGET_RELEASE, ReleaseReservation(reservation_id=request.reservation_id)
    )
    ledger = await paid.ledger()
    assert (
        ledger.settled_nanousd
        == paid.endpoint.witness()["cost_nanousd"]
        == reply.calls[0].cost_nanousd
    )
    assert ledger.reserved_nanousd == ledger.authorized_nanousd == 0


async def test_the_same_request_is_paid_once_even_if_another_worker_repeats_it(
    paid: PaidModel,
) -> None:
    request = await paid.new_request()
    replies = [
        await paid.model.request(request, ReasonAnswer),
        await paid.new_client().request(request, ReasonAnswer),
    ]
    same = [await paid.new_request("the same") for _ in range(3)]
    at_once = await asyncio.gather(*(paid.model.request(request, ReasonAnswer) for request in same))
    assert replies[0] == replies[1]
    assert len({reply.calls[0].call_id for reply in at_once}) == 1
    assert paid.endpoint.witness()["calls"] == 2


async def test_a_worker_that_died_between_storing_and_settling_is_settled_by_the_next(
    paid: PaidModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await paid.new_request()
    store = paid.responses.store

    async def store_and_die(response: StoredResponse) -> None:
        await store(response)
        raise asyncio.CancelledError

    # a real death can't be timed between these two steps
    monkeypatch.setattr(paid.responses, "store", store_and_die)
    with pytest.raises(asyncio.CancelledError):
        await paid.model.request(request, ReasonAnswer)
    monkeypatch.setattr(paid.responses, "store", store)
    assert (await paid.ledger()).attempts_authorized == 1
    await paid.new_client().request(request, ReasonAnswer)
    ledger = await paid.ledger()
    assert ledger.attempts_authorized == 0
    assert ledger.settled_nanousd == paid.endpoint.witness()["cost_nanousd"]


async def test_too_many_requests_waits_as_long_as_the_server_says_and_costs_nothing(
    paid: PaidModel,
) -> None:
    paid.endpoint.misbehave(status=429, retry_after=7)
    with pytest.raises(RetryLaterError) as refused:
        await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert refused.value.delay_s == 7
    assert (await paid.ledger()).settled_nanousd == 0


async def test_a_server_error_may_have_been_billed_so_the_whole_authorization_is_spent(
    paid: PaidModel,
) -> None:
    paid.endpoint.misbehave(status=500)
    request = await paid.new_request()
    with pytest.raises(TransientError):
        await paid.model.request(request, ReasonAnswer)
    ledger = await paid.ledger()
    assert ledger.settled_nanousd > 0
    assert ledger.spend[0].unknown_calls == 1
    paid.endpoint.misbehave()
    assert (await paid.model.request(request, ReasonAnswer)).value, (
        "the next try is authorized by itself"
    )
    assert (await paid.ledger()).spend[0].calls == 2


async def test_a_bad_request_is_permanent_and_free(paid: PaidModel) -> None:
    paid.endpoint.misbehave(status=400)
    with pytest.raises(PermanentError):
        await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert (await paid.ledger()).settled_nanousd == 0


@pytest.mark.parametrize("status", [401, 404])
async def test_with_a_withdrawn_key_work_waits_and_does_not_fail(
    paid: PaidModel, status: int
) -> None:
    paid.endpoint.misbehave(status=status)
    with pytest.raises(RetryLaterError):
        await paid.model.request(await paid.new_request(), ReasonAnswer)


async def test_an_endpoint_that_is_away_costs_nothing_and_is_retried_later(paid: PaidModel) -> None:
    paid.settings = paid.settings.model_copy(
        update={"base_url": f"http://127.0.0.1:{free_port()}/v1"}
    )
    with pytest.raises(RetryLaterError):
        await paid.new_client().request(await paid.new_request(), ReasonAnswer)
    assert (await paid.ledger()).settled_nanousd == 0


async def test_an_answer_without_usage_spends_the_whole_authorization(paid: PaidModel) -> None:
    paid.endpoint.misbehave(no_usage=True)
    await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert (await paid.ledger()).settled_nanousd > paid.endpoint.witness()["cost_nanousd"]


async def test_json_under_reasoning_is_read_too(paid: PaidModel) -> None:
    paid.endpoint.misbehave(as_reasoning=True)
    assert (await paid.model.request(await paid.new_request(), ReasonAnswer)).value


async def test_an_unreadable_answer_is_repaired_once_and_both_calls_are_paid(
    paid: PaidModel,
) -> None:
    paid.endpoint.misbehave(text="I would rather not answer in JSON.")
    reply = await paid.model.request(await paid.new_request(), ReasonAnswer)
    assert reply.value is None
    assert [call.repair for call in reply.calls] == [False, True]
    assert paid.endpoint.witness()["calls"] == 2
    assert (await paid.ledger()).settled_nanousd == paid.endpoint.witness()["cost_nanousd"]


async def test_a_reservation_that_is_too_small_is_increased_under_the_cap(paid: PaidModel) -> None:
    assert (await paid.model.request(await paid.new_request(bound=1), ReasonAnswer)).value


async def test_without_money_the_request_waits_and_no_call_is_made(paid: PaidModel) -> None:
    await paid.rpc.request(
        BUDGET_CHANGE,
        ChangeBudget(
            change_id="lower", change=SetLimit(window="lifetime", cap_nanousd=1), who="test"
        ),
    )
    with pytest.raises(RetryLaterError):
        await paid.model.request(await paid.new_request(bound=1), ReasonAnswer)
    assert paid.endpoint.witness()["calls"] == 0
