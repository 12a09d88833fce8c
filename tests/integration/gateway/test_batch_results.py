"""What comes back in batches is treated like the answers of single calls."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client

from daydream_budget.gateway.batch.worker import FAILED_BATCH_DELAY
from daydream_budget.gateway.providers.repeats import ANSWERS_IN_A_ROW
from daydream_budget.gateway.state import gateway_state
from daydream_contracts.events import AlertRaised
from support.batched_model import BatchedModel, batched_model
from support.gateway import MODEL, PROVIDER_KEY
from support.programs import EndpointProgram, NatsServer


@pytest.fixture
async def batched(
    server: NatsServer, nc: Client, endpoint: EndpointProgram, tmp_path: Path
) -> AsyncIterator[BatchedModel]:
    async with batched_model(server, nc, endpoint, tmp_path) as batched:
        yield batched


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


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"message": f"Incorrect API key: {PROVIDER_KEY}-of-the-lab"}),
        (400, {"code": "unsupported_parameter", "message": "'foo_bar' is not supported"}),
    ],
)
async def test_what_a_person_must_fix_stops_the_model_until_its_calls_are_answered(
    batched: BatchedModel, status: int, error: dict[str, str]
) -> None:
    request = await batched.new_request("thing")
    await batched.submit(request)
    refused = {"status_code": status, "body": {"error": error}}
    batched.endpoint.misbehave(batch={"response": refused})
    for _ in range(4):
        await batched.step()
    (state,) = gateway_state(batched.gateway.models, "one").models
    assert state.stopped == error["message"]
    assert (await batched.settled_ledger()).settled_nanousd == 0
    await batched.submit(request)
    batched.endpoint.misbehave()
    batched.now += timedelta(minutes=10)
    end_the_wait(batched)
    for _ in range(4):
        await batched.step()
    assert (await batched.reply(request)).value
    (state,) = gateway_state(batched.gateway.models, "one").models
    assert state.stopped == "", "an answered batch opens it"


def end_the_wait(batched: BatchedModel) -> None:
    """Let the time pass until the model may be tried again."""
    availability = batched.gateway.models.open(MODEL).limiter._turns.availability
    availability.closed_until = 0.0
