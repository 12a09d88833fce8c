"""A paid question, with everything real but the server, the ledger and the bucket: what is drawn never exceeds the plan."""

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
from daydream_models.client import BudgetedModelClient, ModelRequest
from daydream_models.pricing.lookup import FlatPrice, TokenUsage
from daydream_models.prompt import Prompt
from daydream_models.provider import ChatRequest, ModelCallError, ProviderAnswer, without_lengths
from daydream_models.request_spec import RequestSpec
from daydream_models.reservations import FULL, StagePlan
from daydream_models.response_store import StoredResponse
from daydream_models.settings import ModelSettings
from daydream_runtime.telemetry import Telemetry, start_telemetry

PRICE = FlatPrice(input_usd_per_mtok=Decimal("0.1501"), output_usd_per_mtok=Decimal("0.6007"))
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"type": "string", "maxLength": 20}},
    "required": ["word"],
}
PROMPT = Prompt("p", "Find the word.", "One: {{first}}\nTwo: {{second}}", SCHEMA)
TOKENS_MAX = 50
USAGE = TokenUsage(100, 10)


class Word(BaseModel):
    word: str


@dataclass
class Script:
    """An endpoint that gives these answers in turn."""

    answers: list[str | ModelCallError]
    usage: TokenUsage | None
    settings: ModelSettings = field(
        default_factory=lambda: ModelSettings(name="m", base_url="http://127.0.0.1:1/v1")
    )
    attempts: list[ChatRequest] = field(default_factory=list)

    async def attempt(self, attempt: ChatRequest) -> ProviderAnswer:
        self.attempts.append(attempt)
        answer = self.answers.pop(0)
        if isinstance(answer, ModelCallError):
            raise answer
        return ProviderAnswer(answer, "stop", "m-2026", self.usage)


@dataclass
class Wallet:
    """A budget that grants all and remembers it."""

    stage: str = "synthesizer"
    team: str = ""
    draws: dict[str, int] = field(default_factory=dict)
    settled: dict[str, int | None] = field(default_factory=dict)

    async def draw(
        self, reservation_id: str, call_id: str, upper_bound_nanousd: int, lifetime_s: float
    ) -> str:
        attempt_id = f"{call_id}:{len(self.draws) + 1}"
        self.draws[attempt_id] = upper_bound_nanousd
        return attempt_id

    async def settle(
        self,
        attempt_id: str,
        cost_nanousd: int | None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider_id: str = "",
    ) -> None:
        self.settled.setdefault(attempt_id, cost_nanousd)


@dataclass
class Drawer:
    """Stored answers."""

    kept: dict[str, StoredResponse] = field(default_factory=dict)

    async def find(self, call_id: str) -> StoredResponse | None:
        return self.kept.get(call_id)

    async def keep(self, answer: StoredResponse) -> None:
        self.kept[answer.call_id] = answer


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    telemetry = start_telemetry("test", "one")
    yield telemetry
    telemetry.close()


@dataclass
class World:
    """A paid model and what is around it."""

    telemetry: Telemetry
    wallet: Wallet = field(default_factory=Wallet)
    drawer: Drawer = field(default_factory=Drawer)

    def model(
        self, *answers: str | ModelCallError, usage: TokenUsage | None = USAGE
    ) -> tuple[BudgetedModelClient, Script]:
        script = Script(list(answers), usage)
        return BudgetedModelClient(script, PRICE, self.wallet, self.drawer, self.telemetry), script  # type: ignore[arg-type]


@pytest.fixture
def world(telemetry: Telemetry) -> World:
    return World(telemetry)


def question(first: str = "one", second: str = "two") -> ModelRequest:
    return ModelRequest(
        "key", "reservation", PROMPT, PROMPT.fill(first=first, second=second), TOKENS_MAX, 0.5
    )


def plan_of(model: BudgetedModelClient) -> StagePlan:
    return model.plan({FULL: RequestSpec(PROMPT, TOKENS_MAX, facts=1)})


async def test_an_answer_is_paid_for_stored_and_settled_at_its_cost(world: World) -> None:
    model, _ = world.model('{"word": "trail"}')
    reply = await model.ask(question(), Word)
    assert reply.value == Word(word="trail")
    assert list(world.wallet.settled.values()) == [PRICE.cost_nanousd(TokenUsage(100, 10))]
    assert len(world.drawer.kept) == 1
    assert [call.cost_nanousd for call in reply.calls] == list(world.wallet.settled.values())


async def test_the_same_question_is_not_paid_for_twice(world: World) -> None:
    model, _ = world.model('{"word": "trail"}')
    first = await model.ask(question(), Word)
    again, script = world.model()
    assert await again.ask(question(), Word) == first
    assert script.attempts == []
    assert len(world.wallet.draws) == 1


async def test_an_answer_that_can_not_be_read_is_asked_for_once_more_and_paid_likewise(
    world: World,
) -> None:
    model, script = world.model("trail, I think", '{"word": "trail"}')
    reply = await model.ask(question(), Word)
    assert reply.value == Word(word="trail")
    assert [call.repair for call in reply.calls] == [False, True]
    assert script.attempts[1].messages[2] == {"role": "assistant", "content": "trail, I think"}
    assert len(world.wallet.draws) == len(world.wallet.settled) == 2


async def test_after_the_repair_it_gives_up_and_says_what_it_got(world: World) -> None:
    model, script = world.model("no", "still no")
    reply = await model.ask(question(), Word)
    assert (reply.value, reply.text) == (None, "still no")
    assert len(script.attempts) == 2


async def test_an_answer_without_usage_costs_the_whole_draw(world: World) -> None:
    model, _ = world.model('{"word": "trail"}', usage=None)
    await model.ask(question(), Word)
    assert world.wallet.settled == world.wallet.draws


@pytest.mark.parametrize(("may_have_cost", "cost"), [(True, None), (False, 0)])
async def test_a_call_that_failed_is_settled_by_what_is_known_of_its_cost(
    world: World, may_have_cost: bool, cost: int | None
) -> None:
    failure = TransientError("broke off") if may_have_cost else RetryLaterError("busy")
    model, _ = world.model(ModelCallError(failure, may_have_cost=may_have_cost))
    with pytest.raises(type(failure)):
        await model.ask(question(), Word)
    assert list(world.wallet.settled.values()) == [cost]
    assert world.drawer.kept == {}


@given(
    first=st.text(max_size=300),
    second=st.text(max_size=300),
    answer=st.text(st.characters(codec="ascii"), max_size=400),
    samples=st.integers(1, 3),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_question_and_its_repair_draw_no_more_than_was_planned(
    first: str, second: str, answer: str, samples: int
) -> None:
    telemetry = start_telemetry("test", "one")
    world = World(telemetry)
    model, _ = world.model("{" + answer, "{")
    asyncio.run(model.ask(question(first, second), Word))
    telemetry.close()
    fact_bytes = len(first.encode()) + len(second.encode())
    (part,) = plan_of(model).parts(fact_bytes, samples)
    assert samples * sum(world.wallet.draws.values()) <= part.upper_bound_nanousd


async def test_the_repair_of_an_answer_in_chinese_draws_no_more_than_was_planned(
    world: World,
) -> None:
    tokens_max = 500
    model, _ = world.model("蚁" * 4 * tokens_max, "不")
    await model.ask(replace(question("一", "二"), output_tokens_max=tokens_max), Word)
    plan = model.plan({FULL: RequestSpec(PROMPT, tokens_max, facts=1)})
    assert sum(world.wallet.draws.values()) <= plan.parts(6, 1)[0].upper_bound_nanousd


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 16))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_a_plan_is_linear_in_the_bytes_of_the_facts_and_in_the_samples(
    fixed: int, fact_bytes: int, samples: int
) -> None:
    plan = StagePlan(stage="s", model="m", fixed_nanousd=fixed, nanousd_per_fact_byte=7)
    assert plan.parts(fact_bytes, samples)[0].upper_bound_nanousd == samples * (
        fixed + 7 * fact_bytes
    )
    assert plan.parts(0, 1)[0].upper_bound_nanousd == fixed


def test_lengths_are_left_out_where_a_server_refuses_them_and_nothing_else_is() -> None:
    shape = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "minLength": 1, "maxLength": 9},
            "b": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "required": ["a", "b"],
    }
    before = json.dumps(shape)
    assert without_lengths(shape) == {
        **shape,
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "integer", "minimum": 1, "maximum": 9},
        },
    }
    assert json.dumps(shape) == before, (
        "the schema itself stays as it is: its digest names the prompt"
    )
