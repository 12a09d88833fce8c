"""Calls in batches: real ledger, real NATS, a real batch API that counts by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from nats.aio.client import Client
from pydantic import BaseModel, SecretStr

from daydream_budget.gateway.app import Gateway
from daydream_budget.gateway.batch.api import BatchApi
from daydream_budget.gateway.batch.worker import FAILED_BATCH_DELAY, BatchWorker
from daydream_budget.gateway.calls.claims import CallClaims
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.probe import PAID_CALLS_MAX
from daydream_budget.gateway.providers.provider import Provider
from daydream_budget.gateway.providers.repeats import ANSWERS_IN_A_ROW
from daydream_budget.gateway.state import gateway_state
from daydream_contracts.errors import ConfigurationError, PermanentError, RetryLaterError
from daydream_contracts.events import AlertRaised
from daydream_contracts.rpc import Quote
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.prompt import Prompt
from daydream_models.settings import ModelSettings
from daydream_runtime.rpc import RpcClient
from support.budget import budget_here
from support.gateway import (
    MODEL,
    PROVIDER_KEY,
    FakeGatewayHttp,
    LedgerClient,
    gateway_here,
)
from support.programs import EndpointProgram, NatsServer

SCHEMA = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}},
    "required": ["reasoning"],
    "additionalProperties": False,
}
PROMPT = Prompt("test.v1", "ReasonAnswer.", "About {{thing}}.", SCHEMA)
PRICES = """
[models."priced-1"]
input_usd_per_mtok = 0.15
output_usd_per_mtok = 0.60
batch_factor = 0.5
"""


class BatchAnswer(BaseModel):
    """The answer that the tests ask for."""

    reasoning: str


class BatchedModel(LedgerClient):
    """Replicas of a gateway with a batch lane, and the accounts on both sides."""

    def __init__(
        self, nc: Client, endpoint: EndpointProgram, prices: Path, stack: AsyncExitStack
    ) -> None:
        super().__init__(RpcClient(nc))
        self.nc, self.endpoint = nc, endpoint
        self._prices, self._stack = prices, stack
        self.now = datetime.now(UTC)

    async def open(self) -> BatchedModel:
        """Open a replica, and a client of it."""
        self.use(await self.new_replica())
        return self

    def use(self, gateway: Gateway) -> None:
        """Ask this replica from now on."""
        self.gateway, self.worker = gateway, gateway.batch_worker
        client: Any = FakeGatewayHttp(gateway)
        settings = ModelSettings(name=MODEL, batch=True)
        self.model = ModelClient(client, settings, Quote(), client.stage)

    async def new_replica(self, *, probe: bool = False) -> Gateway:
        """Return another replica, or this one after a restart."""
        model = {
            "base_url": self.endpoint.url,
            "api_key": SecretStr(PROVIDER_KEY),
            "timeout_s": 10,
            "probe": probe,
        }
        settings = {"model": model, "prices_file": str(self._prices), "patience_s": 2}
        timing = {"batch_collect_s": 0, "batch_poll_s": 1}
        return await self._stack.enter_async_context(gateway_here(self.nc, **settings, **timing))

    async def new_worker(self) -> BatchWorker:
        """Return the worker of another replica."""
        return (await self.new_replica()).batch_worker

    async def new_request(self, key: str) -> ModelRequest:
        reservation_id = await self.reserve()
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

    async def balanced(self) -> int:
        """Check that ledger and endpoint count the same money. Return how much."""
        ledger = await self.settled_ledger()
        assert ledger.authorized_nanousd == 0
        assert ledger.settled_nanousd == self.endpoint.witness()["cost_nanousd"]
        return ledger.settled_nanousd


@pytest.fixture
async def batched(
    server: NatsServer, nc: Client, endpoint: EndpointProgram, tmp_path: Path
) -> AsyncIterator[BatchedModel]:
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    async with budget_here(server), AsyncExitStack() as stack:
        batched = BatchedModel(nc, endpoint, prices, stack)
        await batched.cap(10**10)
        yield await batched.open()


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
    records = (await batched.new_worker()).records
    await records.catch_up()
    return [*records.calls, *records.intents]


@pytest.mark.fault("F30", invariant="partial results are paid, the rest is asked again")
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


async def test_a_refusal_in_a_batch_teaches_the_dialect_and_the_call_is_asked_again(
    batched: BatchedModel,
) -> None:
    request = await batched.new_request("thing")
    await batched.submit(request)
    words = "Unsupported parameter: 'temperature' is not supported with this model."
    batched.endpoint.misbehave(batch={"refuse": '"temperature"', "words": words})
    for _ in range(4):
        await batched.step()
    await batched.submit(request)  # its message comes again, and is written without it
    for _ in range(4):
        await batched.step()
    assert (await batched.reply(request)).value
    assert batched.endpoint.witness()["batched"] == 1
    await batched.balanced()


async def test_a_model_is_probed_before_its_first_call_in_a_batch(
    batched: BatchedModel,
) -> None:
    gateway = await batched.new_replica(probe=True)
    batched.use(gateway)
    requests = [await batched.new_request(name) for name in ("first", "second")]
    await batched.submit(*requests)
    assert 1 <= batched.endpoint.witness()["calls"] <= PAID_CALLS_MAX
    assert gateway.models.open(MODEL).capabilities is not None
    for _ in range(4):
        await batched.step()
    assert all([(await batched.reply(request)).value for request in requests])
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


async def test_an_empty_balance_at_the_batch_api_stops_the_model_and_loses_no_call(
    batched: BatchedModel,
) -> None:
    await batched.submit(await batched.new_request("thing"))
    batched.endpoint.misbehave(batch={"refuse_create": [402, "Insufficient balance"]})
    await batched.step()
    (state,) = gateway_state(batched.gateway.models, "one").models
    assert "Insufficient balance" in state.stopped
    assert len(await left(batched)) == 2, "the call and its intent"
    await batched.step()
    assert len(list_batches(batched)) == 0


@pytest.mark.fault("F30", invariant="a batch whose id was lost is found")
async def test_a_batch_whose_id_was_lost_is_found_and_not_handed_in_twice(
    batched: BatchedModel,
) -> None:
    request = await batched.new_request("thing")
    await batched.submit(request)
    batched.endpoint.misbehave(batch={"drop_create": True})
    await batched.step()
    batched.endpoint.misbehave()
    after_a_restart = await batched.new_worker()
    for _ in range(5):
        await batched.step(after_a_restart)
    assert (await batched.reply(request)).value
    assert (len(list_batches(batched)), batched.endpoint.witness()["batched"]) == (1, 1)
    await batched.balanced()


@pytest.mark.fault("F30", invariant="a worker that dies in the middle pays for none twice")
async def test_a_worker_that_dies_while_results_are_taken_in_pays_for_none_twice(
    batched: BatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [await batched.new_request(f"thing {number}") for number in range(4)]
    await batched.submit(*requests)
    await batched.step()
    await batched.step()
    store, stored = CallClaims.store_unclaimed, list[str]()

    async def die_after_two(claims: CallClaims, key: str, answer: StoredAnswer) -> StoredAnswer:
        if len(stored) == 2:
            raise RuntimeError("killed")
        stored.append(key)
        return await store(claims, key, answer)

    monkeypatch.setattr(CallClaims, "store_unclaimed", die_after_two)
    with pytest.raises(RuntimeError, match="killed"):
        await batched.step()
    monkeypatch.setattr(CallClaims, "store_unclaimed", store)
    for request in requests:
        try:
            await batched.reply(request)
        except RetryLaterError:
            continue
    await batched.step(await batched.new_worker())
    for request in requests:
        assert (await batched.reply(request)).value
    assert batched.endpoint.witness()["batched"] == 4
    await batched.balanced()


BROKEN_ANSWERS: list[Any] = [
    {"status_code": 200, "body": "{"},
    {"status_code": 200, "body": {"choices": []}},
    {"status_code": 200, "body": {"error": {"message": "Something went wrong"}}},
    {"status_code": 502, "body": "Bad gateway"},
]


@pytest.mark.fault("F13", invariant="a broken answer in a batch is asked again, and counts in full")
async def test_broken_answers_in_a_batch_are_asked_again_later_and_never_dead_letters(
    batched: BatchedModel,
) -> None:
    request = await batched.new_request("thing")
    for number, response in enumerate(BROKEN_ANSWERS):
        await batched.submit(request)
        batched.endpoint.misbehave(batch={"response": response})
        for _ in range(4):
            await batched.step()
        await batched.submit(request)  # its message comes again, and waits
        assert batched.endpoint.witness()["batched"] == number + 1, "not asked again at once"
        batched.now += FAILED_BATCH_DELAY
    billed = batched.endpoint.witness()["cost_nanousd"]
    batched.endpoint.misbehave()
    for _ in range(4):
        await batched.step()
    reply = await batched.reply(request)
    ledger = await batched.settled_ledger()
    assert ledger.settled_nanousd - reply.calls[0].cost_nanousd > billed, "each counts in full"


async def alarms_of(batched: BatchedModel) -> list[str]:
    """Collect the alerts about answers from now on."""
    about: list[str] = []

    async def report(alert: AlertRaised) -> None:
        about.append(alert.about)

    batched.gateway.pass_through.attempts.alerts.report = report
    return about


@pytest.mark.fault("F14", invariant="the bill of a batch counts, with an alarm if it differs")
async def test_what_a_batch_bills_counts_and_teaches_bounds_and_raises_an_alarm(
    batched: BatchedModel,
) -> None:
    about, cost_usd = await alarms_of(batched), 0.0123
    request = await batched.new_request("thing")
    await batched.submit(request)
    batched.endpoint.misbehave(batch={"cost_usd": cost_usd})
    for _ in range(4):
        await batched.step()
    reply = await batched.reply(request)
    assert [(call.cost_nanousd, call.saved_nanousd) for call in reply.calls] == [(12_300_000, 0)]
    assert await batched.balanced() == 12_300_000
    assert about == [f"price-differs: {MODEL}"]
    assert any("after a bill" in line for line in batched.gateway.models.open(MODEL).learned())


async def test_the_same_answer_again_and_again_in_a_batch_stops_the_model(
    batched: BatchedModel,
) -> None:
    about = await alarms_of(batched)
    words = " ".join(f"word{number}" for number in range(20))
    await batched.submit(
        *[await batched.new_request(f"thing {at}") for at in range(ANSWERS_IN_A_ROW)]
    )
    batched.endpoint.misbehave(batch={"same": json.dumps({"reasoning": words})})
    for _ in range(4):
        await batched.step()
    (state,) = gateway_state(batched.gateway.models, "one").models
    assert "same answer 10 times in a row" in state.stopped
    assert about == [f"same-answer: {MODEL}"]
    await batched.balanced()


async def test_a_refused_key_in_a_batch_stops_the_model_and_the_call_is_asked_again(
    batched: BatchedModel,
) -> None:
    request = await batched.new_request("thing")
    await batched.submit(request)
    refused = {"error": {"message": f"Incorrect API key: {PROVIDER_KEY}-of-the-lab"}}
    batched.endpoint.misbehave(batch={"response": {"status_code": 401, "body": refused}})
    for _ in range(4):
        await batched.step()
    (state,) = gateway_state(batched.gateway.models, "one").models
    assert "Incorrect API key" in state.stopped
    assert (await batched.settled_ledger()).settled_nanousd == 0
    await batched.submit(request)


async def test_an_endpoint_without_a_batch_api_is_named(endpoint: EndpointProgram) -> None:
    url = endpoint.url.replace("/v1", "/nothing/here")
    provider = Provider(ProviderConfig(base_url=url))
    api = BatchApi(provider)
    await api.check()
    endpoint.misbehave(no_batches=True)
    with pytest.raises(ConfigurationError, match="no batch API"):
        await api.check()
    await provider.close()
