"""Calls through a batch API are paid once, at half the price, whatever happens to the batch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from nats.aio.client import Client
from pydantic import BaseModel

from daydream_contracts.errors import (
    ConfigurationError,
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_contracts.events import derive_id
from daydream_contracts.rpc import (
    AllocationRequest,
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    OpenReservation,
    SetLimit,
)
from daydream_contracts.topology import BATCHES, BUDGET_CHANGE, BUDGET_OPEN, BUDGET_STATE, RESPONSES
from daydream_models.batch.api import BatchApi
from daydream_models.batch.records import BatchRecords
from daydream_models.batch.worker import FAILED_BATCH_DELAY, BatchTiming, BatchWorker
from daydream_models.budget_client import BudgetClient
from daydream_models.client import BudgetedModelClient
from daydream_models.metrics import ModelMetrics
from daydream_models.model_request import ModelReply, ModelRequest
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

SCHEMA = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}},
    "required": ["reasoning"],
    "additionalProperties": False,
}
PROMPT = Prompt("test.v1", "BatchAnswer.", "About {{thing}}.", SCHEMA)
PRICE = FlatPrice(
    input_usd_per_mtok=Decimal("0.15"),
    output_usd_per_mtok=Decimal("0.60"),
    batch_factor=Decimal("0.5"),
)


class BatchAnswer(BaseModel):
    """The answer that the tests ask for."""

    reasoning: str


class BatchedModel:
    """Batch workers of one stage over the same stores, and the accounts on both sides."""

    def __init__(
        self, nc: Client, endpoint: Endpoint, responses: ResponseStore, bucket: Any
    ) -> None:
        self.nc, self.endpoint, self.responses, self.bucket = nc, endpoint, responses, bucket
        self.rpc = RpcClient(nc)
        self.telemetry = start_telemetry("synthesizer", "test")
        self.settings = ModelSettings(name="priced-1", base_url=endpoint.url, timeout_s=10)
        self.budget = BudgetClient(self.rpc, "synthesizer", "priced-1")
        self.now = datetime.now(UTC)
        self.apis: list[BatchApi] = []
        self.worker = self.new_worker()
        self.provider = ModelProvider(self.settings)
        self.model = BudgetedModelClient(
            self.provider, PRICE, self.budget, responses, self.telemetry, batch_worker=self.worker
        )

    def new_worker(self) -> BatchWorker:
        """Return the worker of another replica, or of this one after a restart."""
        self.apis.append(BatchApi(self.settings))
        return BatchWorker(
            self.apis[-1],
            BatchRecords(self.nc.jetstream(), self.bucket, self.budget.stage),
            self.responses,
            self.budget,
            PRICE,
            ModelMetrics(self.telemetry, "synthesizer", "priced-1"),
            BatchTiming(collect=timedelta(0), poll=timedelta(seconds=1)),
        )

    async def new_request(self, key: str) -> ModelRequest:
        reservation_id = uuid4().hex
        part = AllocationRequest(stage="synthesizer", model="priced-1", upper_bound_nanousd=10**8)
        grant = await self.rpc.request(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=reservation_id, allocations=(part,), requested_at=datetime.now(UTC)
            ),
        )
        assert grant.granted, grant.refusal
        return ModelRequest(key, reservation_id, PROMPT, PROMPT.fill(thing=key), 200, 0.5)

    async def submit(self, *requests: ModelRequest) -> None:
        """Ask for requests that wait for a batch."""
        for request in requests:
            with pytest.raises(RetryLaterError, match="in a batch"):
                await self.model.request(request, BatchAnswer)

    async def step(self, worker: BatchWorker | None = None) -> None:
        """Run one step, some seconds later."""
        self.now += timedelta(seconds=5)
        await (worker or self.worker).step(self.now)

    async def reply(self, request: ModelRequest) -> ModelReply[BatchAnswer]:
        return await self.model.request(request, BatchAnswer)

    async def ledger(self) -> BudgetState:
        """Return the state of the ledger."""
        return await self.rpc.request(BUDGET_STATE, EmptyRequest())

    async def balanced(self) -> int:
        """Check that ledger and endpoint count the same money. Return how much."""
        ledger = await self.ledger()
        assert ledger.authorized_nanousd == 0
        assert ledger.settled_nanousd == self.endpoint.witness()["cost_nanousd"]
        return ledger.settled_nanousd


@pytest.fixture
async def batched(
    server: NatsServer, nc: Client, endpoint: Endpoint, tmp_path: Path
) -> AsyncIterator[BatchedModel]:
    with service("budget", server.url, tmp_path / "budget"):
        await provision(nc, replicas=1)
        js = nc.jetstream()
        batched = BatchedModel(
            nc,
            endpoint,
            ResponseStore(await js.key_value(RESPONSES.name)),
            await js.key_value(BATCHES.name),
        )
        await batched.rpc.request(
            BUDGET_CHANGE,
            ChangeBudget(
                change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=10**10), who="test"
            ),
        )
        yield batched
        await batched.provider.close()
        for api in batched.apis:
            await api.close()


async def test_calls_are_made_together_at_half_the_price_and_the_saving_is_known(
    batched: BatchedModel,
) -> None:
    requests = [await batched.new_request(f"thing {number}") for number in range(5)]
    await batched.submit(*requests, *requests)  # every message comes again and again meanwhile
    for _ in range(4):
        await batched.step()
    replies = [await batched.reply(request) for request in requests]
    assert all(reply.value and reply.value.reasoning for reply in replies)
    assert [call.saved_nanousd for reply in replies for call in reply.calls] == [
        call.cost_nanousd for reply in replies for call in reply.calls
    ]
    witness = batched.endpoint.witness()
    assert (witness["calls"], witness["batched"]) == (0, 5)
    assert (
        await batched.balanced()
        == sum(call.cost_nanousd for reply in replies for call in reply.calls)
        > 0
    )
    assert await left(batched) == []


async def left(batched: BatchedModel) -> list[str]:
    """Return the names of all stored calls and intents."""
    records = batched.new_worker().records
    await records.catch_up()
    return [*records.calls, *records.intents]


async def test_what_a_batch_did_not_make_is_asked_again_and_what_it_made_is_paid(
    batched: BatchedModel,
) -> None:
    requests = [await batched.new_request(f"thing {number}") for number in range(5)]
    await batched.submit(*requests)
    batched.endpoint.misbehave(batch={"status": "expired", "finish": 2})
    for _ in range(4):
        await batched.step()
    assert batched.endpoint.witness()["batched"] == 2
    await batched.balanced()
    batched.endpoint.misbehave()
    done = 0
    for request in requests:
        try:
            await batched.reply(request)
            done += 1
        except RetryLaterError:
            pass
    assert done == 2
    for _ in range(4):
        await batched.step()
    for request in requests:
        await batched.reply(request)
    assert batched.endpoint.witness()["batched"] == 5
    await batched.balanced()


async def test_a_call_that_the_provider_refuses_is_a_dead_letter_and_costs_nothing(
    batched: BatchedModel,
) -> None:
    good, bad = await batched.new_request("good"), await batched.new_request("forbidden")
    await batched.submit(good, bad)
    batched.endpoint.misbehave(batch={"refuse": "forbidden"})
    for _ in range(4):
        await batched.step()
    with pytest.raises(PermanentError, match="as told"):
        await batched.reply(bad)
    assert (await batched.reply(good)).value
    await batched.balanced()


async def test_a_batch_that_fails_as_a_whole_costs_nothing_and_is_not_tried_again_at_once(
    batched: BatchedModel,
) -> None:
    request = await batched.new_request("thing")
    await batched.submit(request)
    batched.endpoint.misbehave(batch={"status": "failed"})
    for _ in range(4):
        await batched.step()
    await batched.balanced()
    batched.endpoint.misbehave()
    await batched.submit(request)
    await batched.step()
    assert len(list_batches(batched)) == 1
    batched.now += FAILED_BATCH_DELAY
    for _ in range(4):
        await batched.step()
    assert (await batched.reply(request)).value


def list_batches(batched: BatchedModel) -> list[Any]:
    batches: list[Any] = httpx.get(f"{batched.endpoint.url}/batches", trust_env=False).json()[
        "data"
    ]
    return batches


async def test_a_batch_whose_id_was_never_heard_is_found_and_not_handed_in_twice(
    batched: BatchedModel,
) -> None:
    request = await batched.new_request("thing")
    await batched.submit(request)
    batched.endpoint.misbehave(batch={"drop_create": True})
    with pytest.raises((TransientError, RetryLaterError)):
        await batched.step()
    batched.endpoint.misbehave()
    after_a_restart = batched.new_worker()
    for _ in range(5):
        await batched.step(after_a_restart)
    assert (await batched.reply(request)).value
    assert (len(list_batches(batched)), batched.endpoint.witness()["batched"]) == (1, 1)
    await batched.balanced()


async def test_a_worker_that_dies_while_results_are_taken_in_pays_for_none_twice(
    batched: BatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [await batched.new_request(f"thing {number}") for number in range(4)]
    await batched.submit(*requests)
    await batched.step()
    await batched.step()
    store, stored = batched.responses.store, list[str]()

    async def die_after_two(response: StoredResponse) -> None:
        if len(stored) == 2:
            raise ConnectionError("killed")
        stored.append(response.call_id)
        await store(response)

    monkeypatch.setattr(batched.responses, "store", die_after_two)
    with pytest.raises(ConnectionError):
        await batched.step()
    monkeypatch.setattr(batched.responses, "store", store)
    after_a_restart = batched.new_worker()
    await batched.submit(
        *[
            request
            for request in requests
            if await batched.responses.find(_call_id(batched, request)) is None
        ]
    )
    await batched.step(after_a_restart)
    for request in requests:
        assert (await batched.reply(request)).value
    assert batched.endpoint.witness()["batched"] == 4
    await batched.balanced()


def _call_id(batched: BatchedModel, request: ModelRequest) -> str:
    return derive_id("call", request.key, request.prompt.ref.digest, batched.settings.name, "first")


async def test_an_endpoint_without_a_batch_api_is_named_at_the_start(endpoint: Endpoint) -> None:
    api = BatchApi(
        ModelSettings(name="priced-1", base_url=endpoint.url.replace("/v1", "/nothing/here"))
    )
    await api.check()
    endpoint.misbehave(no_batches=True)
    with pytest.raises(ConfigurationError, match="no batch API"):
        await api.check()
    await api.close()
