"""From a request to an answer that is paid for: real limiters, dialects and prices, no network."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from daydream_budget.gateway.answer_alerts import AnswerAlerts
from daydream_budget.gateway.attempts import Attempts, CallRequest
from daydream_budget.gateway.callers import CallContext, Caller
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.funds import AuthorizedAttempt
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings
from daydream_budget.gateway.metrics import CallMetrics
from daydream_budget.gateway.models import ServedModel
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.providers.reasoning import ReasoningAllowances
from daydream_budget.gateway.providers.repeats import ANSWERS_IN_A_ROW
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.pricing.price_file import FlatPrice
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.events import AlertRaised
from daydream_contracts.gateway_http import RUNAWAY
from daydream_runtime.telemetry import start_telemetry
from support.model_fakes import FakeFunds, FakeScriptedProvider, completion

PRICE = FlatPrice.model_validate({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2})
USAGE = TokenUsage(100, 10)
TOKENS_MAX = 50
TEXT = "Say something about rivers."


def answer(text: str = "Rivers.", finish: str = "stop", **fields: Any) -> ProviderReply:
    body = completion(text, finish)
    reply = ProviderReply(200, "completion", finish=finish, text=text, usage=USAGE, body=body)
    return replace(reply, **fields)


def error(status: int, code: str = "", message: str = "no") -> ProviderReply:
    return ProviderReply(status, "error", code=code, message=message)


CUT_THINKING = answer("", "length", usage=TokenUsage(100, TOKENS_MAX, reasoning_tokens=TOKENS_MAX))


@dataclass
class World:
    """Attempts at one model with scripted replies, and what they left behind."""

    attempts: Attempts
    model: ServedModel
    funds: FakeFunds
    provider: FakeScriptedProvider
    alerts: list[AlertRaised]

    async def alarms_about(self) -> list[str]:
        await self.attempts.alerts.finish()
        return [alert.about for alert in self.alerts]

    def request(self, stage: str = "critic", **body: Any) -> CallRequest:
        full = {
            "model": "m",
            "messages": [{"role": "user", "content": TEXT}],
            "max_completion_tokens": TOKENS_MAX,
            **body,
        }
        context = CallContext(Caller(stage=stage), "call", "reservation")
        deadline = asyncio.get_running_loop().time() + 5
        return CallRequest(context, CHAT_PATH, full, self.model, deadline)

    async def until_answered(
        self, stage: str = "critic", deadline: float | None = None, **body: Any
    ) -> tuple[AuthorizedAttempt, StoredAnswer]:
        """Make a call from its first turn to its answer."""
        request = self.request(stage, **body)
        if deadline is not None:
            request = replace(request, deadline=deadline)
        ready = await self.attempts.ready(request)
        return await self.attempts.until_answered(ready)

    @property
    def costs(self) -> list[int | None]:
        return list(self.funds.settled.values())


@pytest.fixture
async def telemetry() -> AsyncIterator[Any]:
    telemetry = start_telemetry("gateway", "test")
    yield telemetry
    telemetry.close()


def world(telemetry: Any, *replies: ProviderReply, name: str = "m") -> World:
    provider, funds, alerts = FakeScriptedProvider(list(replies)), FakeFunds(), list[AlertRaised]()

    async def report(alert: AlertRaised) -> None:
        alerts.append(alert)

    config = ProviderConfig(base_url="http://127.0.0.1:1/v1", watch_output=False)
    limiters = LimiterRegistry(lambda _: LimiterSettings(), asyncio.get_running_loop())
    model = ServedModel(
        name=name,
        provider=provider,  # type: ignore[arg-type]
        price=PRICE,
        dialect=Dialect.of(config),
        limiter=limiters.limiter("default", name),
        allowances=ReasoningAllowances(name),
        counter=None,
        output_tokens_max=4096,
    )
    attempts = Attempts(
        models=None,  # type: ignore[arg-type]
        funds=funds,  # type: ignore[arg-type]
        alerts=AnswerAlerts(report),
        metrics=CallMetrics(telemetry),
        patience_s=5,
    )
    return World(attempts, model, funds, provider, alerts)


async def test_an_answer_costs_what_its_usage_says(telemetry: Any) -> None:
    scripted = world(telemetry, answer())
    attempt, stored = await scripted.until_answered()
    assert stored.cost_nanousd == PRICE.cost_nanousd(USAGE)
    assert scripted.funds.authorized[attempt.attempt_id] >= PRICE.cost_nanousd(USAGE)
    assert scripted.costs == [], "it is settled after it was stored"


@pytest.mark.fault("F14", invariant="without usage all that was authorized counts, with an alarm")
async def test_an_answer_without_usage_costs_all_that_was_authorized_and_raises_an_alarm(
    telemetry: Any,
) -> None:
    scripted = world(telemetry, answer(usage=None))
    attempt, stored = await scripted.until_answered()
    assert stored.cost_nanousd == scripted.funds.authorized[attempt.attempt_id]
    assert await scripted.alarms_about() == ["no-usage: m"]


async def test_no_answer_waits_for_its_alert_to_be_published(telemetry: Any) -> None:
    scripted = world(telemetry, answer(usage=None))
    published = asyncio.Event()

    async def report(alert: AlertRaised) -> None:
        await published.wait()
        scripted.alerts.append(alert)

    scripted.attempts.alerts.report = report
    await scripted.until_answered()
    assert scripted.alerts == []
    published.set()
    assert await scripted.alarms_about() == ["no-usage: m"]


async def test_what_the_provider_bills_counts_and_a_difference_raises_an_alarm(
    telemetry: Any,
) -> None:
    scripted = world(telemetry, answer(reported_cost_nanousd=999_000))
    _, stored = await scripted.until_answered()
    assert stored.cost_nanousd == 999_000
    assert await scripted.alarms_about() == ["price-differs: m"]


async def test_a_failed_attempt_is_settled_as_unknown_and_made_once_more(telemetry: Any) -> None:
    broken = ProviderReply(0, "broke-off", message="the call broke off")
    scripted = world(telemetry, broken, answer())
    await scripted.until_answered()
    assert scripted.costs == [None]
    scripted = world(telemetry, broken, broken)
    with pytest.raises(CallRefusedError) as refused:
        await scripted.until_answered()
    assert (refused.value.disposition, scripted.costs) == ("retry", [None, None])


@pytest.mark.parametrize(
    ("reply", "disposition"),
    [
        (error(402, message="Insufficient Balance"), "stop"),
        (error(429, "insufficient_quota", "You exceeded your current quota"), "stop"),
        (error(401, message="Incorrect API key"), "stop"),
        (error(404, "model_not_found", "The model does not exist"), "stop"),
        (error(400, "unsupported_parameter", "Unsupported parameter: 'foo'"), "stop"),
        (error(400, "content_filter", "filtered"), "reject"),
        (error(400, "context_length_exceeded", "too long"), "reject"),
    ],
)
async def test_a_refused_call_costs_nothing_and_says_so_in_the_providers_words(
    telemetry: Any, reply: ProviderReply, disposition: str
) -> None:
    scripted = world(telemetry, reply)
    with pytest.raises(CallRefusedError) as refused:
        await scripted.until_answered()
    assert (refused.value.disposition, refused.value.text) == (disposition, reply.message)
    assert scripted.costs == [0]
    stopped = scripted.model.limiter.state().status == "stopped"
    assert stopped == (disposition == "stop")


async def test_what_another_program_should_not_have_asked_leaves_the_model_open(
    telemetry: Any,
) -> None:
    scripted = world(telemetry, error(400, "unsupported_parameter", "Unsupported parameter: 'foo'"))
    with pytest.raises(CallRefusedError, match="Unsupported parameter"):
        await scripted.until_answered(stage="")
    assert scripted.model.limiter.state().status == "open"


async def test_after_a_stop_the_next_request_is_refused_without_a_call_or_money(
    telemetry: Any,
) -> None:
    scripted = world(telemetry, error(402, message="Insufficient Balance"))
    for _ in range(2):
        with pytest.raises(CallRefusedError, match="Insufficient Balance"):
            await scripted.until_answered()
    assert len(scripted.provider.sent) == len(scripted.funds.authorized) == 1


async def test_a_burst_of_failures_closes_the_gate_and_says_nothing_about_the_request(
    telemetry: Any,
) -> None:
    broken = ProviderReply(200, "text", message="{")
    scripted = world(telemetry, *[broken] * 20)
    dispositions = []
    for _ in range(4):
        with pytest.raises(CallRefusedError) as refused:
            await scripted.until_answered(deadline=0)
        dispositions.append(refused.value.disposition)
    assert dispositions[-1] == "wait"


async def test_an_answer_that_was_cut_while_thinking_is_asked_for_with_more_room(
    telemetry: Any,
) -> None:
    scripted = world(telemetry, CUT_THINKING, answer())
    _, stored = await scripted.until_answered()
    assert stored.body["choices"][0]["message"]["content"] == "Rivers."
    first, second = (sent["max_tokens"] for sent in scripted.provider.sent)
    assert first == TOKENS_MAX
    assert second > first + 1000
    assert scripted.costs == [PRICE.cost_nanousd(TokenUsage(100, TOKENS_MAX))]


async def test_a_model_that_never_stops_thinking_is_given_no_more_room_and_raises_one_alarm(
    telemetry: Any,
) -> None:
    def cut(sent: Mapping[str, Any]) -> ProviderReply:
        tokens = sent["max_tokens"]
        return replace(CUT_THINKING, usage=TokenUsage(100, tokens, reasoning_tokens=tokens))

    scripted = world(telemetry)
    scripted.provider.reply = cut
    for _ in range(6):
        _, stored = await scripted.until_answered()
        assert (stored.kind, stored.disposition) == ("cut", "retry")
    asked = [sent["max_tokens"] for sent in scripted.provider.sent]
    assert asked == [50, 50 + 2048, 50 + 4096, 50, 50, 50, 50]
    assert await scripted.alarms_about() == ["never-stops-thinking: m"]
    assert "DAYDREAM_MODEL_REASONING_EFFORT" in scripted.alerts[0].text


async def test_a_model_with_nothing_new_to_say_is_stopped_and_its_answer_is_kept(
    telemetry: Any,
) -> None:
    text = (
        "Wherever rivers are scarce markets should grow, since water limits trade and much else as "
        + TEXT
    )
    scripted = world(telemetry, *[answer(text)] * 11)
    for _ in range(ANSWERS_IN_A_ROW):
        _, stored = await scripted.until_answered()
        assert stored.disposition == "answer"
    state = scripted.model.limiter.state()
    assert (state.status, state.closed_for_s > 0) == ("stopped", True)
    assert "same answer 10 times in a row" in state.reason
    with pytest.raises(CallRefusedError, match="nothing new") as refused:
        await scripted.until_answered()
    assert refused.value.disposition == "stop"
    assert len(scripted.funds.authorized) == ANSWERS_IN_A_ROW
    assert await scripted.alarms_about() == ["same-answer: m"]


async def test_a_program_gets_its_cut_answer_as_it_is(telemetry: Any) -> None:
    scripted = world(telemetry, CUT_THINKING)
    _, stored = await scripted.until_answered(stage="")
    assert (stored.disposition, len(scripted.provider.sent)) == ("retry", 1)


async def test_a_model_that_is_known_to_think_gets_room_that_is_authorized(telemetry: Any) -> None:
    bounds = {}
    for name in ("plain", "gpt-5-mini"):
        scripted = world(telemetry, answer(), name=name)
        attempt, _ = await scripted.until_answered()
        bounds[name] = scripted.funds.authorized[attempt.attempt_id]
        tokens = scripted.provider.sent[0]["max_tokens"] - TOKENS_MAX
    assert tokens > 1000
    assert bounds["gpt-5-mini"] - bounds["plain"] == tokens * 2000


async def test_a_call_above_its_bound_is_logged_with_all_details(
    telemetry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    usage = TokenUsage(5000, 60)
    scripted = world(telemetry, answer(usage=usage))
    attempt, stored = await scripted.until_answered()
    cost, bound = 5000 * 1000 + 60 * 2000, scripted.funds.authorized[attempt.attempt_id]
    assert stored.cost_nanousd == cost > bound
    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    for needed in ("Model: m.", str(len(TEXT)), str(bound), str(cost), repr(usage)):
        assert needed in line


@pytest.mark.fault("F14", invariant="after a bill above its bound the next bounds cover it")
async def test_after_a_bill_above_its_bound_the_next_calls_have_bounds_that_cover_such_bills(
    telemetry: Any,
) -> None:
    billed = 12_300_000
    scripted = world(telemetry, *[answer(reported_cost_nanousd=billed)] * 9)
    for content in (TEXT, TEXT, "Hi", TEXT * 9):
        messages = [{"role": "user", "content": content}]
        _, stored = await scripted.until_answered(messages=messages)
        assert stored.cost_nanousd == billed
    bounds = list(scripted.funds.authorized.values())
    assert [bound < billed for bound in bounds] == [True, False, False, False]
    assert scripted.model.learned()[-1].startswith("upper bounds are")


async def test_a_cancelled_request_gives_its_turn_back(telemetry: Any) -> None:
    scripted = world(telemetry)

    async def hang(path: str, body: object) -> ProviderReply:
        await asyncio.Event().wait()
        raise AssertionError

    scripted.provider.attempt = hang  # type: ignore[method-assign]
    task = asyncio.create_task(scripted.until_answered())
    while not scripted.funds.authorized:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert scripted.model.limiter.state().in_flight == 0


async def test_a_stored_answer_says_of_which_kind_it_is(telemetry: Any) -> None:
    scripted = world(telemetry, answer("{" + "\n" * 600, "length", is_runaway=True))
    _, stored = await scripted.until_answered()
    assert stored.kind == RUNAWAY


async def test_an_abandoned_attempt_gives_back_its_turn_and_its_money(telemetry: Any) -> None:
    scripted = world(telemetry)
    beginning = asyncio.create_task(scripted.attempts.ready(scripted.request()))
    await beginning
    scripted.attempts.abandon(beginning)
    await asyncio.sleep(0)
    assert scripted.model.limiter.state().in_flight == 0
    assert scripted.costs == [0]
    assert scripted.provider.sent == []


async def test_money_that_is_authorized_after_its_caller_has_left_is_given_back(
    telemetry: Any,
) -> None:
    scripted = world(telemetry)
    authorize, may_answer = scripted.funds.authorize, asyncio.Event()

    async def slow(*request: Any) -> AuthorizedAttempt:
        await may_answer.wait()
        return await authorize(*request)

    scripted.funds.authorize = slow  # type: ignore[assignment,method-assign]
    beginning = asyncio.create_task(scripted.attempts.ready(scripted.request()))
    await asyncio.sleep(0)
    assert scripted.model.limiter.state().in_flight == 1
    scripted.attempts.abandon(beginning)
    may_answer.set()
    await asyncio.wait([beginning])
    for _ in range(3):
        await asyncio.sleep(0)
    assert scripted.model.limiter.state().in_flight == 0
    assert scripted.costs == [0]
