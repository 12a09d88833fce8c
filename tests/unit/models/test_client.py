"""A structured request, with everything real but the gateway."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from daydream_contracts.errors import PermanentError, RetryLaterError
from daydream_contracts.gateway_http import FILTERED, RUNAWAY
from daydream_contracts.rpc import Quote
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.prompt import Prompt
from daydream_models.request_spec import RequestSpec
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import FULL, StagePlan
from support.model_fakes import COST_NANOUSD, FakeGatewayClient

QUOTE = Quote(input_token_nanousd=151, output_token_nanousd=601)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"type": "string", "maxLength": 20}},
    "required": ["word"],
}
PROMPT = Prompt("p", "Find the word.", "One: {{first}}\nTwo: {{second}}", SCHEMA)
TOKENS_MAX = 50


class WordAnswer(BaseModel):
    """The answer that the tests ask for."""

    word: str


def client(gateway: FakeGatewayClient, quote: Quote = QUOTE, **model: object) -> ModelClient:
    return ModelClient(
        gateway,  # type: ignore[arg-type]
        ModelSettings.model_validate({"name": "m", **model}),
        quote,
        "synthesizer",
    )


def request(first: str = "one", second: str = "two") -> ModelRequest:
    messages = PROMPT.fill(first=first, second=second)
    return ModelRequest("key", "reservation", PROMPT, messages, TOKENS_MAX, 0.5)


async def test_an_answer_is_read_and_carries_its_cost() -> None:
    gateway = FakeGatewayClient(['{"word": "trail"}'])
    reply = await client(gateway).request(request(), WordAnswer)
    assert reply.value == WordAnswer(word="trail")
    assert [call.cost_nanousd for call in reply.calls] == [COST_NANOUSD]


async def test_the_same_request_is_the_same_call_whatever_its_messages() -> None:
    gateway = FakeGatewayClient(['{"word": "trail"}'])
    first = await client(gateway).request(request(), WordAnswer)
    again = await client(gateway).request(request("other", "facts"), WordAnswer)
    assert again.value == first.value
    assert len(gateway.bodies) == 1


async def test_another_model_is_another_call() -> None:
    gateway = FakeGatewayClient(['{"word": "a"}', '{"word": "b"}'])
    await client(gateway).request(request(), WordAnswer)
    reply = await client(gateway, name="n").request(request(), WordAnswer)
    assert reply.value == WordAnswer(word="b")


@pytest.mark.parametrize(
    ("answer", "finish", "named"),
    [
        ("trail, I think", "stop", "no complete JSON object"),
        ('{"other": 1}', "stop", "'word' was wrong"),
        ('{"word": "tra', "length", "cut off"),
        ("", "stop", "empty"),
    ],
)
@pytest.mark.fault("F13", invariant="an unreadable answer is repaired once")
async def test_an_unreadable_answer_is_repaired_once_and_the_repair_says_what_was_wrong(
    answer: str, finish: str, named: str
) -> None:
    gateway = FakeGatewayClient([answer, '{"word": "trail"}'], finish)
    reply = await client(gateway).request(request(), WordAnswer)
    assert reply.value == WordAnswer(word="trail")
    assert [call.repair for call in reply.calls] == [False, True]
    repair = gateway.bodies[1]["messages"]
    assert repair[2] == {"role": "assistant", "content": answer or "(nothing)"}
    assert named in repair[3]["content"]


async def test_after_the_repair_it_gives_up_and_returns_the_raw_text() -> None:
    gateway = FakeGatewayClient(["no", "still no"])
    reply = await client(gateway).request(request(), WordAnswer)
    assert (reply.value, reply.text) == (None, "still no")
    assert len(gateway.bodies) == 2


async def test_an_answer_that_was_cut_before_it_said_anything_is_not_repaired() -> None:
    gateway = FakeGatewayClient([""], finish="length")
    reply = await client(gateway).request(request(), WordAnswer)
    assert (reply.value, reply.filtered) == (None, "")
    assert len(gateway.bodies) == 1


async def test_a_plan_without_repair_asks_once() -> None:
    gateway = FakeGatewayClient(["no"])
    reply = await client(gateway).request(replace(request(), repair=False), WordAnswer)
    assert reply.value is None
    assert len(gateway.bodies) == 1


async def test_a_refusal_of_the_gateway_reaches_the_caller() -> None:
    gateway = FakeGatewayClient([RetryLaterError("the budget is used up")])
    with pytest.raises(RetryLaterError, match="used up"):
        await client(gateway).request(request(), WordAnswer)


async def test_what_a_content_filter_refuses_is_no_failure_and_is_not_asked_again() -> None:
    gateway = FakeGatewayClient([PermanentError(FILTERED, "against the policy")])
    reply = await client(gateway).request(request(), WordAnswer)
    assert (reply.value, reply.filtered, reply.calls) == (None, "against the policy", ())


async def test_an_answer_that_a_content_filter_ended_is_paid_and_not_repaired() -> None:
    gateway = FakeGatewayClient(['{"word": "tra'], finish="content_filter")
    reply = await client(gateway).request(request(), WordAnswer)
    assert reply.value is None
    assert "content filter" in reply.filtered
    assert [call.cost_nanousd for call in reply.calls] == [COST_NANOUSD]


async def test_an_answer_that_ran_away_is_not_asked_for_again_with_the_same_maximum() -> None:
    gateway = FakeGatewayClient(["{" + "\n" * 600], finish="length", kind=RUNAWAY)
    reply = await client(gateway).request(request(), WordAnswer)
    assert (reply.value, len(reply.calls)) == (None, 1)


async def test_a_filtered_repair_keeps_the_call_before_it() -> None:
    gateway = FakeGatewayClient(["no", PermanentError(FILTERED, "against the policy")])
    reply = await client(gateway).request(request(), WordAnswer)
    assert (reply.value, len(reply.calls)) == (None, 1)
    assert reply.filtered == "against the policy"


async def test_other_refusals_for_good_reach_the_caller() -> None:
    gateway = FakeGatewayClient([PermanentError("too_long", "the prompt is too long")])
    with pytest.raises(PermanentError, match="too long"):
        await client(gateway).request(request(), WordAnswer)


async def test_what_is_asked_is_in_openais_newest_form() -> None:
    gateway = FakeGatewayClient(['{"word": "trail"}'])
    model = client(gateway, reasoning_effort="low", logprobs=True, temperature=0.1, batch=True)
    await model.request(request(), WordAnswer)
    (body,) = gateway.bodies
    assert (body["max_completion_tokens"], body["temperature"]) == (TOKENS_MAX, 0.1)
    assert (body["reasoning_effort"], body["logprobs"]) == ("low", True)
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert gateway.batched == [True]


def plan_of(quote: Quote = QUOTE, *, repair: bool = True) -> StagePlan:
    spec = RequestSpec(PROMPT, TOKENS_MAX, facts=1, repair=repair)
    return client(FakeGatewayClient([]), quote).plan({FULL: spec})


def test_a_plan_bounds_both_calls_and_expects_one_usual_call() -> None:
    plan, without = plan_of(), plan_of(repair=False)
    assert plan.fixed_nanousd > 2 * without.fixed_nanousd > 4 * without.expected_fixed_nanousd
    assert plan.expected_fixed_nanousd == without.expected_fixed_nanousd > 0
    assert plan.nanousd_per_fact_byte == 2 * QUOTE.input_token_nanousd


def test_thought_is_planned_besides_the_answer() -> None:
    thinking = QUOTE.model_copy(update={"reasoning_tokens": 1000})
    added = plan_of(thinking, repair=False).fixed_nanousd - plan_of(repair=False).fixed_nanousd
    assert added == 1000 * QUOTE.output_token_nanousd


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 16))
def test_a_plan_is_linear_in_the_bytes_of_the_facts_and_in_the_samples(
    fixed: int, fact_bytes: int, samples: int
) -> None:
    plan = StagePlan(
        stage="s",
        model="m",
        fixed_nanousd=fixed,
        nanousd_per_fact_byte=7,
        expected_fixed_nanousd=fixed // 9,
        expected_nanousd_per_fact_byte=2,
    )
    (allocation,) = plan.allocations(fact_bytes, samples)
    assert allocation.upper_bound_nanousd == samples * (fixed + 7 * fact_bytes)
    assert allocation.expected_nanousd == samples * (fixed // 9 + 2 * fact_bytes)
    assert plan.allocations(0, 1)[0].upper_bound_nanousd == fixed
