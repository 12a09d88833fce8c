"""Calls through a batch API: paid once, at half the price, whatever becomes of the batch and of whoever handed it in."""

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
from daydream_models.batch.worker import AFTER_A_FAILURE, BatchWorker
from daydream_models.budget_client import BudgetClient
from daydream_models.client import BudgetedModelClient, ModelReply, ModelRequest
from daydream_models.pricing.lookup import FlatPrice
from daydream_models.prompt import Prompt
from daydream_models.provider import ModelProvider
from daydream_models.response_store import ResponseStore
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
PROMPT = Prompt("test.v1", "Answer.", "About {{thing}}.", SCHEMA)
PRICE = FlatPrice(
    input_usd_per_mtok=Decimal("0.15"),
    output_usd_per_mtok=Decimal("0.60"),
    batch_factor=Decimal("0.5"),
)


class Answer(BaseModel):
    reasoning: str


class Till:
    """Workers of one stage over the same stores, and the books on both sides."""

    def __init__(self, nc: Client, endpoint: Endpoint, answers: ResponseStore, bucket: Any) -> None:
        self.nc, self.endpoint, self.answers, self.bucket = nc, endpoint, answers, bucket
        self.ask = RpcClient(nc)
        self.telemetry = start_telemetry("synthesizer", "test")
        self.settings = ModelSettings(name="priced-1", base_url=endpoint.url, timeout_s=10)
        self.budget = BudgetClient(self.ask, "synthesizer", "priced-1")
        self.now = datetime.now(UTC)
        self.apis: list[BatchApi] = []
        self.lane = self.another()
        self.point = ModelProvider(self.settings)
        self.model = BudgetedModelClient(
            self.point, PRICE, self.budget, answers, self.telemetry, lane=self.lane
        )

    def another(self) -> BatchWorker:
        """The lane of another replica, or of this one after a restart."""
        self.apis.append(BatchApi(self.settings))
        return BatchWorker(
            self.apis[-1],
            self.nc.jetstream(),
            self.bucket,
            self.answers,
            self.budget,
            PRICE,
            self.telemetry,
            collect_s=0,
            poll_s=1,
        )

    async def question(self, key: str) -> ModelRequest:
        reservation_id = uuid4().hex
        part = AllocationRequest(stage="synthesizer", model="priced-1", upper_bound_nanousd=10**8)
        grant = await self.ask(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=reservation_id, allocations=(part,), requested_at=datetime.now(UTC)
            ),
        )
        assert grant.granted, grant.refusal
        return ModelRequest(key, reservation_id, PROMPT, PROMPT.fill(thing=key), 200, 0.5)

    async def hand_in(self, *questions: ModelRequest) -> None:
        for question in questions:
            with pytest.raises(RetryLaterError, match="in a batch"):
                await self.model.ask(question, Answer)

    async def step(self, lane: BatchWorker | None = None) -> None:
        """As if some seconds had gone by."""
        self.now += timedelta(seconds=5)
        await (lane or self.lane).step(self.now)

    async def reply(self, question: ModelRequest) -> ModelReply[Answer]:
        return await self.model.ask(question, Answer)

    async def books(self) -> BudgetState:
        return await self.ask(BUDGET_STATE, EmptyRequest())

    async def balanced(self) -> int:
        """Both sides count the same money; how much."""
        books = await self.books()
        assert books.authorized_nanousd == 0
        assert books.settled_nanousd == self.endpoint.witness()["cost_nanousd"]
        return books.settled_nanousd


@pytest.fixture
async def till(
    server: NatsServer, nc: Client, endpoint: Endpoint, tmp_path: Path
) -> AsyncIterator[Till]:
    with service("budget", server.url, tmp_path / "budget"):
        await provision(nc, replicas=1)
        js = nc.jetstream()
        found = Till(
            nc,
            endpoint,
            ResponseStore(await js.key_value(RESPONSES.name)),
            await js.key_value(BATCHES.name),
        )
        await found.ask(
            BUDGET_CHANGE,
            ChangeBudget(
                change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=10**10), who="test"
            ),
        )
        yield found
        for api in (found.point, *found.apis):
            await api.close()


async def test_calls_are_made_together_at_half_the_price_and_the_saving_is_known(
    till: Till,
) -> None:
    questions = [await till.question(f"thing {number}") for number in range(5)]
    await till.hand_in(*questions, *questions)  # every message comes again and again meanwhile
    for _ in range(4):
        await till.step()
    replies = [await till.reply(question) for question in questions]
    assert all(reply.value and reply.value.reasoning for reply in replies)
    assert [call.saved_nanousd for reply in replies for call in reply.calls] == [
        call.cost_nanousd for reply in replies for call in reply.calls
    ]
    witness = till.endpoint.witness()
    assert (witness["calls"], witness["batched"]) == (0, 5)
    assert (
        await till.balanced()
        == sum(call.cost_nanousd for reply in replies for call in reply.calls)
        > 0
    )
    assert [one async for one in left(till)] == [], "nothing is kept of what is done"


async def left(till: Till) -> AsyncIterator[str]:
    lane = till.another()
    await lane._catch_up()
    for name in (*lane._calls, *lane._intents):
        yield name


async def test_what_a_batch_did_not_make_is_asked_again_and_what_it_made_is_paid(
    till: Till,
) -> None:
    questions = [await till.question(f"thing {number}") for number in range(5)]
    await till.hand_in(*questions)
    till.endpoint.misbehave(batch={"status": "expired", "finish": 2})
    for _ in range(4):
        await till.step()
    assert till.endpoint.witness()["batched"] == 2
    await till.balanced()
    till.endpoint.misbehave()
    done = 0
    for question in questions:
        try:
            await till.reply(question)
            done += 1
        except RetryLaterError:
            pass
    assert done == 2
    for _ in range(4):
        await till.step()
    for question in questions:
        await till.reply(question)
    assert till.endpoint.witness()["batched"] == 5
    await till.balanced()


async def test_a_call_that_the_provider_refuses_is_a_dead_letter_and_costs_nothing(
    till: Till,
) -> None:
    good, bad = await till.question("good"), await till.question("forbidden")
    await till.hand_in(good, bad)
    till.endpoint.misbehave(batch={"refuse": "forbidden"})
    for _ in range(4):
        await till.step()
    with pytest.raises(PermanentError, match="as told"):
        await till.reply(bad)
    assert (await till.reply(good)).value
    await till.balanced()


async def test_a_batch_that_fails_as_a_whole_costs_nothing_and_is_not_tried_again_at_once(
    till: Till,
) -> None:
    question = await till.question("thing")
    await till.hand_in(question)
    till.endpoint.misbehave(batch={"status": "failed"})
    for _ in range(4):
        await till.step()
    await till.balanced()
    till.endpoint.misbehave()
    await till.hand_in(question)
    await till.step()
    assert len(till_batches(till)) == 1
    till.now += AFTER_A_FAILURE
    for _ in range(4):
        await till.step()
    assert (await till.reply(question)).value


def till_batches(till: Till) -> list[Any]:
    found: list[Any] = httpx.get(f"{till.endpoint.url}/batches", trust_env=False).json()["data"]
    return found


async def test_a_batch_whose_id_was_never_heard_is_found_and_not_handed_in_twice(
    till: Till,
) -> None:
    question = await till.question("thing")
    await till.hand_in(question)
    till.endpoint.misbehave(batch={"drop_create": True})
    with pytest.raises((TransientError, RetryLaterError)):
        await till.step()
    till.endpoint.misbehave()
    after_a_restart = till.another()
    for _ in range(5):
        await till.step(after_a_restart)
    assert (await till.reply(question)).value
    assert (len(till_batches(till)), till.endpoint.witness()["batched"]) == (1, 1)
    await till.balanced()


async def test_a_worker_that_dies_while_results_are_taken_in_pays_for_none_twice(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [await till.question(f"thing {number}") for number in range(4)]
    await till.hand_in(*questions)
    await till.step()
    await till.step()
    keep, kept = till.answers.keep, []

    async def dies(answer: Any) -> None:
        if len(kept) == 2:
            raise ConnectionError("killed")
        kept.append(answer.call_id)
        await keep(answer)

    monkeypatch.setattr(till.answers, "keep", dies)
    with pytest.raises(ConnectionError):
        await till.step()
    monkeypatch.setattr(till.answers, "keep", keep)
    after_a_restart = till.another()
    await till.hand_in(
        *[
            question
            for question in questions
            if await till.answers.find(_call_id(till, question)) is None
        ]
    )
    await till.step(after_a_restart)
    for question in questions:
        assert (await till.reply(question)).value
    assert till.endpoint.witness()["batched"] == 4
    await till.balanced()


def _call_id(till: Till, question: ModelRequest) -> str:
    return derive_id("call", question.key, question.prompt.ref.digest, till.settings.name, "first")


async def test_an_endpoint_without_a_batch_api_is_named_at_the_start(endpoint: Endpoint) -> None:
    api = BatchApi(
        ModelSettings(name="priced-1", base_url=endpoint.url.replace("/v1", "/nothing/here"))
    )
    await api.check()
    endpoint.misbehave(no_batches=True)
    with pytest.raises(ConfigurationError, match="no batch API"):
        await api.check()
    await api.close()
