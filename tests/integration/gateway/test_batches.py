"""Calls in batches: real ledger, real NATS, a real batch API that counts by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from nats.aio.client import Client

from daydream_budget.gateway.batch.api import BatchApi
from daydream_budget.gateway.batch.worker import FAILED_BATCH_DELAY
from daydream_budget.gateway.calls.claims import CallClaims
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.probe import PAID_CALLS_MAX
from daydream_budget.gateway.providers.provider import Provider
from daydream_budget.gateway.state import gateway_state
from daydream_contracts.errors import ConfigurationError, PermanentError, RetryLaterError
from support.batched_model import BatchedModel, batched_model
from support.gateway import MODEL
from support.programs import EndpointProgram, NatsServer


@pytest.fixture
async def batched(
    server: NatsServer, nc: Client, endpoint: EndpointProgram, tmp_path: Path
) -> AsyncIterator[BatchedModel]:
    async with batched_model(server, nc, endpoint, tmp_path) as batched:
        yield batched


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


async def test_an_endpoint_without_a_batch_api_is_named(endpoint: EndpointProgram) -> None:
    url = endpoint.url.replace("/v1", "/nothing/here")
    provider = Provider(ProviderConfig(base_url=url))
    api = BatchApi(provider)
    await api.check()
    endpoint.misbehave(no_batches=True)
    with pytest.raises(ConfigurationError, match="no batch API"):
        await api.check()
    await provider.close()
