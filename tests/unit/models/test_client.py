"""A paid request, with everything real but the provider, the ledger and the bucket.

What is authorized never exceeds the plan.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from daydream_contracts.errors import RetryLaterError, TransientError
from daydream_models.client import BudgetedModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.pricing.price_file import FlatPrice
from daydream_models.pricing.usage import TokenUsage
from daydream_models.prompt import Prompt
from daydream_models.provider import without_lengths
from daydream_models.provider_errors import ModelCallError
from daydream_models.request_spec import RequestSpec
from daydream_models.reservations import FULL, StagePlan
from daydream_runtime.telemetry import Telemetry, start_telemetry
from support.model_fakes import FakeBudgetClient, FakeProvider, FakeResponseStore

PRICE = FlatPrice(input_usd_per_mtok=Decimal("0.1501"), output_usd_per_mtok=Decimal("0.6007"))
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"type": "string", "maxLength": 20}},
    "required": ["word"],
}
PROMPT = Prompt("p", "Find the word.", "One: {{first}}\nTwo: {{second}}", SCHEMA)
TOKENS_MAX = 50
USAGE = TokenUsage(100, 10)


class WordAnswer(BaseModel):
    """The answer that the tests ask for."""

    word: str


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    telemetry = start_telemetry("test", "one")
    yield telemetry
    telemetry.close()


@dataclass
class World:
    """A model client over a fake budget and fake responses, which outlive the client."""

    telemetry: Telemetry
    budget: FakeBudgetClient = field(default_factory=FakeBudgetClient)
    responses: FakeResponseStore = field(default_factory=FakeResponseStore)

    def new_client(
        self, *answers: str | ModelCallError, usage: TokenUsage | None = USAGE
    ) -> tuple[BudgetedModelClient, FakeProvider]:
        """Return a client whose provider gives these answers."""
        provider = FakeProvider(list(answers), usage)
        client = BudgetedModelClient(
            provider,  # type: ignore[arg-type]
            PRICE,
            self.budget,  # type: ignore[arg-type]
            self.responses,  # type: ignore[arg-type]
            self.telemetry,
        )
        return client, provider


@pytest.fixture
def world(telemetry: Telemetry) -> World:
    return World(telemetry)


def request(first: str = "one", second: str = "two") -> ModelRequest:
    messages = PROMPT.fill(first=first, second=second)
    return ModelRequest("key", "reservation", PROMPT, messages, TOKENS_MAX, 0.5)


def plan_of(model: BudgetedModelClient, tokens_max: int = TOKENS_MAX) -> StagePlan:
    return model.plan({FULL: RequestSpec(PROMPT, tokens_max, facts=1)})


async def test_an_answer_is_paid_for_stored_and_settled_at_its_cost(world: World) -> None:
    model, _ = world.new_client('{"word": "trail"}')
    reply = await model.request(request(), WordAnswer)
    assert reply.value == WordAnswer(word="trail")
    assert list(world.budget.settled.values()) == [PRICE.cost_nanousd(TokenUsage(100, 10))]
    assert len(world.responses.stored) == 1
    assert [call.cost_nanousd for call in reply.calls] == list(world.budget.settled.values())


async def test_the_same_request_is_not_paid_for_twice(world: World) -> None:
    model, _ = world.new_client('{"word": "trail"}')
    first = await model.request(request(), WordAnswer)
    restarted, provider = world.new_client()
    assert await restarted.request(request(), WordAnswer) == first
    assert provider.requests == []
    assert len(world.budget.authorized) == 1


async def test_an_unreadable_answer_is_repaired_once_and_the_repair_is_paid_likewise(
    world: World,
) -> None:
    model, provider = world.new_client("trail, I think", '{"word": "trail"}')
    reply = await model.request(request(), WordAnswer)
    assert reply.value == WordAnswer(word="trail")
    assert [call.repair for call in reply.calls] == [False, True]
    assert provider.requests[1].messages[2] == {"role": "assistant", "content": "trail, I think"}
    assert len(world.budget.authorized) == len(world.budget.settled) == 2


async def test_after_the_repair_it_gives_up_and_returns_the_raw_text(world: World) -> None:
    model, provider = world.new_client("no", "still no")
    reply = await model.request(request(), WordAnswer)
    assert (reply.value, reply.text) == (None, "still no")
    assert len(provider.requests) == 2


async def test_an_answer_without_usage_costs_all_that_was_authorized(world: World) -> None:
    model, _ = world.new_client('{"word": "trail"}', usage=None)
    await model.request(request(), WordAnswer)
    assert world.budget.settled == world.budget.authorized


@pytest.mark.parametrize(("may_have_cost", "cost"), [(True, None), (False, 0)])
async def test_a_failed_call_is_settled_by_what_is_known_of_its_cost(
    world: World, may_have_cost: bool, cost: int | None
) -> None:
    failure = TransientError("broke off") if may_have_cost else RetryLaterError("busy")
    model, _ = world.new_client(ModelCallError(failure, may_have_cost=may_have_cost))
    with pytest.raises(type(failure)):
        await model.request(request(), WordAnswer)
    assert list(world.budget.settled.values()) == [cost]
    assert world.responses.stored == {}


@given(
    first=st.text(max_size=300),
    second=st.text(max_size=300),
    answer=st.text(st.characters(codec="ascii"), max_size=400),
    samples=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_request_and_its_repair_authorize_no_more_than_was_planned(
    first: str, second: str, answer: str, samples: int
) -> None:
    telemetry = start_telemetry("test", "one")
    world = World(telemetry)
    model, _ = world.new_client("{" + answer, "{")
    asyncio.run(model.request(request(first, second), WordAnswer))
    telemetry.close()
    fact_bytes = len(first.encode()) + len(second.encode())
    (allocation,) = plan_of(model).allocations(fact_bytes, samples)
    assert samples * sum(world.budget.authorized.values()) <= allocation.upper_bound_nanousd


async def test_the_repair_of_an_answer_in_chinese_authorizes_no_more_than_was_planned(
    world: World,
) -> None:
    tokens_max = 500
    model, _ = world.new_client("蚁" * 4 * tokens_max, "不")
    await model.request(replace(request("一", "二"), output_tokens_max=tokens_max), WordAnswer)
    (allocation,) = plan_of(model, tokens_max).allocations(6, 1)
    assert sum(world.budget.authorized.values()) <= allocation.upper_bound_nanousd


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 16))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_a_plan_is_linear_in_the_bytes_of_the_facts_and_in_the_samples(
    fixed: int, fact_bytes: int, samples: int
) -> None:
    plan = StagePlan(stage="s", model="m", fixed_nanousd=fixed, nanousd_per_fact_byte=7)
    (allocation,) = plan.allocations(fact_bytes, samples)
    assert allocation.upper_bound_nanousd == samples * (fixed + 7 * fact_bytes)
    assert plan.allocations(0, 1)[0].upper_bound_nanousd == fixed


def test_lengths_are_left_out_where_a_server_refuses_them_and_nothing_else_is() -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 9}
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "minLength": 1, "maxLength": 9}, "b": number},
        "required": ["a", "b"],
    }
    before = json.dumps(schema)
    expected = {**schema, "properties": {"a": {"type": "string"}, "b": number}}
    assert without_lengths(schema) == expected
    assert json.dumps(schema) == before, "its digest names the prompt"
