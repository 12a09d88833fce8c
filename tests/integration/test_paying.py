"""A question to a model, paid from the real ledger, at a real endpoint that keeps its own count."""

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
from daydream_models.client import BudgetedModelClient, ModelRequest
from daydream_models.pricing.lookup import FlatPrice
from daydream_models.prompt import Prompt
from daydream_models.provider import ModelProvider
from daydream_models.response_store import ResponseStore
from daydream_models.settings import ModelSettings
from daydream_runtime.provisioning import provision
from daydream_runtime.rpc import RpcClient
from daydream_runtime.telemetry import start_telemetry
from support.programs import Endpoint, NatsServer, free_port
from support.services import service

PRICE = FlatPrice(input_usd_per_mtok=Decimal("0.15"), output_usd_per_mtok=Decimal("0.60"))
SCHEMA = {
    "type": "object",
    "properties": {"reasoning": {"type": "string"}},
    "required": ["reasoning"],
    "additionalProperties": False,
}
PROMPT = Prompt("test.v1", "Answer.", "About {{thing}}.", SCHEMA)


class Answer(BaseModel):
    reasoning: str


class Till:
    """A model with a budget, and the books on both sides."""

    def __init__(
        self, nc: Client, endpoint: Endpoint, answers: ResponseStore, timeout_s: float = 10
    ) -> None:
        self.ask = RpcClient(nc)
        self.endpoint = endpoint
        self.telemetry = start_telemetry("synthesizer", "test")
        self.settings = ModelSettings(name="priced-1", base_url=endpoint.url, timeout_s=timeout_s)
        self.answers = answers
        self.model = self.another()

    def another(self) -> BudgetedModelClient:
        """Another worker over the same stores."""
        return BudgetedModelClient(
            ModelProvider(self.settings),
            PRICE,
            BudgetClient(self.ask, "synthesizer", "priced-1"),
            self.answers,
            self.telemetry,
        )

    async def question(self, key: str = "", bound: int = 10**8) -> ModelRequest:
        reservation_id = uuid4().hex
        part = AllocationRequest(stage="synthesizer", model="priced-1", upper_bound_nanousd=bound)
        grant = await self.ask(
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

    async def books(self) -> BudgetState:
        return await self.ask(BUDGET_STATE, EmptyRequest())


@pytest.fixture
async def till(
    server: NatsServer, nc: Client, endpoint: Endpoint, tmp_path: Path
) -> AsyncIterator[Till]:
    with service("budget", server.url, tmp_path / "budget"):
        await provision(nc, replicas=1)
        till = Till(nc, endpoint, ResponseStore(await nc.jetstream().key_value(RESPONSES.name)))
        await till.ask(
            BUDGET_CHANGE,
            ChangeBudget(
                change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=10**9), who="test"
            ),
        )
        yield till


async def test_a_call_costs_what_the_endpoint_says_and_the_rest_flows_back(till: Till) -> None:
    question = await till.question()
    reply = await till.model.ask(question, Answer)
    assert reply.value
    await till.ask(BUDGET_RELEASE, ReleaseReservation(reservation_id=question.reservation_id))
    books = await till.books()
    assert (
        books.settled_nanousd
        == till.endpoint.witness()["cost_nanousd"]
        == reply.calls[0].cost_nanousd
    )
    assert books.reserved_nanousd == books.authorized_nanousd == 0


async def test_the_same_question_is_paid_once_by_whoever_asks_it_again(till: Till) -> None:
    question = await till.question()
    replies = [await till.model.ask(question, Answer), await till.another().ask(question, Answer)]
    same = [await till.question("the same") for _ in range(3)]
    at_once = await asyncio.gather(*(till.model.ask(one, Answer) for one in same))
    assert replies[0] == replies[1]
    assert len({reply.calls[0].call_id for reply in at_once}) == 1
    assert till.endpoint.witness()["calls"] == 2


async def test_a_worker_that_died_between_storing_and_settling_is_settled_by_the_next(
    till: Till,
) -> None:
    question = await till.question()
    kept = till.answers.keep

    async def keep_and_die(answer) -> None:
        await kept(answer)
        raise asyncio.CancelledError

    till.answers.keep = keep_and_die  # type: ignore[method-assign]  # a death at this very moment can't be had otherwise
    with pytest.raises(asyncio.CancelledError):
        await till.model.ask(question, Answer)
    till.answers.keep = kept  # type: ignore[method-assign]
    assert (await till.books()).attempts_authorized == 1
    await till.another().ask(question, Answer)
    books = await till.books()
    assert books.attempts_authorized == 0
    assert books.settled_nanousd == till.endpoint.witness()["cost_nanousd"]


async def test_too_many_requests_waits_as_long_as_the_server_says_and_costs_nothing(
    till: Till,
) -> None:
    till.endpoint.misbehave(status=429, retry_after=7)
    with pytest.raises(RetryLaterError) as refused:
        await till.model.ask(await till.question(), Answer)
    assert refused.value.delay_s == 7
    assert (await till.books()).settled_nanousd == 0


async def test_a_server_error_may_have_been_billed_so_the_whole_draw_is_spent(till: Till) -> None:
    till.endpoint.misbehave(status=500)
    question = await till.question()
    with pytest.raises(TransientError):
        await till.model.ask(question, Answer)
    books = await till.books()
    assert books.settled_nanousd > 0
    assert books.spend[0].unknown_calls == 1
    till.endpoint.misbehave()
    assert (await till.model.ask(question, Answer)).value, "the next try is a draw of its own"
    assert (await till.books()).spend[0].calls == 2


async def test_a_bad_request_is_permanent_and_free(till: Till) -> None:
    till.endpoint.misbehave(status=400)
    with pytest.raises(PermanentError):
        await till.model.ask(await till.question(), Answer)
    assert (await till.books()).settled_nanousd == 0


@pytest.mark.parametrize("status", [401, 404])
async def test_a_key_that_was_withdrawn_makes_work_wait_rather_than_die(
    till: Till, status: int
) -> None:
    till.endpoint.misbehave(status=status)
    with pytest.raises(RetryLaterError):
        await till.model.ask(await till.question(), Answer)


async def test_an_endpoint_that_is_away_costs_nothing_and_is_waited_for(till: Till) -> None:
    till.settings = till.settings.model_copy(
        update={"base_url": f"http://127.0.0.1:{free_port()}/v1"}
    )
    with pytest.raises(RetryLaterError):
        await till.another().ask(await till.question(), Answer)
    assert (await till.books()).settled_nanousd == 0


async def test_no_usage_in_the_answer_spends_the_whole_draw(till: Till) -> None:
    till.endpoint.misbehave(no_usage=True)
    await till.model.ask(await till.question(), Answer)
    assert (await till.books()).settled_nanousd > till.endpoint.witness()["cost_nanousd"]


async def test_json_under_reasoning_is_read_too(till: Till) -> None:
    till.endpoint.misbehave(as_reasoning=True)
    assert (await till.model.ask(await till.question(), Answer)).value


async def test_an_unreadable_answer_is_asked_for_once_more_and_both_are_paid(till: Till) -> None:
    till.endpoint.misbehave(text="I would rather not answer in JSON.")
    reply = await till.model.ask(await till.question(), Answer)
    assert reply.value is None
    assert [call.repair for call in reply.calls] == [False, True]
    assert till.endpoint.witness()["calls"] == 2
    assert (await till.books()).settled_nanousd == till.endpoint.witness()["cost_nanousd"]


async def test_an_reservation_that_is_too_small_grows_under_the_cap(till: Till) -> None:
    assert (await till.model.ask(await till.question(bound=1), Answer)).value


async def test_without_money_the_question_waits_and_no_call_is_made(till: Till) -> None:
    await till.ask(
        BUDGET_CHANGE,
        ChangeBudget(
            change_id="lower", change=SetLimit(window="lifetime", cap_nanousd=1), who="test"
        ),
    )
    with pytest.raises(RetryLaterError):
        await till.model.ask(await till.question(bound=1), Answer)
    assert till.endpoint.witness()["calls"] == 0
