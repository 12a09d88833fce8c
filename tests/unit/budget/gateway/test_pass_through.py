"""Streams that are passed on, over real sockets: what they cost, and what is learned from them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from daydream_budget.gateway import event_pipe
from daydream_budget.gateway.answer_alerts import AnswerAlerts
from daydream_budget.gateway.api.streams import begun
from daydream_budget.gateway.attempts import Attempts
from daydream_budget.gateway.callers import CallContext, Caller
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings
from daydream_budget.gateway.metrics import CallMetrics
from daydream_budget.gateway.models import ServedModel
from daydream_budget.gateway.pass_through import PassThrough
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.provider import Provider
from daydream_budget.gateway.providers.reasoning import ReasoningAllowances
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.pricing.price_file import FlatPrice
from daydream_contracts.events import AlertRaised
from daydream_contracts.rpc import IssuedKey
from daydream_runtime.telemetry import Telemetry, start_telemetry
from support.fake_provider import FakeProvider
from support.model_fakes import FakeFunds

PRICE = FlatPrice.model_validate({"input_usd_per_mtok": "0.15", "output_usd_per_mtok": "0.60"})
KEY = IssuedKey(key_id="k", team="t", purpose="p", created_at=datetime.now(UTC))
PROGRAM = CallContext(Caller(key=KEY), "")
BODY: dict[str, Any] = {
    "model": "priced-1",
    "messages": [{"role": "user", "content": "Name a colour of the evening sky."}],
    "max_tokens": 200,
}
DONE = b"data: [DONE]\n\n"
BUSY = {"message": "Provider returned error", "code": 429}


@dataclass
class StreamingGateway:
    """The streams of one model at the fake provider, and what they left behind."""

    fake: FakeProvider
    model: ServedModel
    funds: FakeFunds
    alerts: list[str]
    telemetry: Telemetry
    attempts: Attempts

    def begin(self, **body: Any) -> Any:
        streams = PassThrough(self.attempts)
        return streams.events(PROGRAM, {**BODY, **body}, wants_usage=True)

    async def read(self, **body: Any) -> list[bytes]:
        return [event async for event in self.begin(**body)]

    async def about(self) -> list[str]:
        await self.attempts.alerts.finish()
        return self.alerts

    @property
    def costs(self) -> list[int | None]:
        return list(self.funds.settled.values())

    def answers(self) -> dict[str, float]:
        """Return the number of answers by their row of the table."""
        return {
            sample.labels["daydream_answer"]: sample.value
            for metric in self.telemetry.registry.collect()
            for sample in metric.samples
            if sample.name == "daydream_gateway_answers_total"
        }

    def total(self, name: str) -> float:
        return sum(
            sample.value
            for metric in self.telemetry.registry.collect()
            for sample in metric.samples
            if sample.name == name
        )


OpenGateway = Callable[..., StreamingGateway]


@pytest.fixture
async def opened() -> AsyncIterator[OpenGateway]:
    telemetry, providers = start_telemetry("gateway", "test"), []
    async with FakeProvider() as fake:

        def open_gateway(behaviour: str = "", timeout_s: float = 5.0) -> StreamingGateway:
            config = ProviderConfig(base_url=fake.base_url(behaviour), timeout_s=timeout_s)
            providers.append(Provider(config))
            limiters = LimiterRegistry(lambda _: LimiterSettings(), asyncio.get_running_loop())
            model = ServedModel(
                name="priced-1",
                provider=providers[-1],
                price=PRICE,
                dialect=Dialect.of(config),
                limiter=limiters.limiter("default", "priced-1"),
                allowances=ReasoningAllowances("priced-1"),
                counter=None,
                output_tokens_max=4096,
            )
            funds, about = FakeFunds(), list[str]()

            async def report(alert: AlertRaised) -> None:
                about.append(alert.about)

            models: Any = SimpleNamespace(served=lambda _: model)
            money: Any = funds
            metrics = CallMetrics(telemetry)
            attempts = Attempts(models, money, AnswerAlerts(report), metrics, patience_s=0.5)
            return StreamingGateway(fake, model, funds, about, telemetry, attempts)

        yield open_gateway
        for provider in providers:
            await provider.close()
    telemetry.close()


async def test_a_stream_costs_what_its_usage_says_and_is_counted_like_a_plain_call(
    opened: OpenGateway,
) -> None:
    gateway = opened()
    events = await gateway.read()
    assert events[-1] == DONE
    billed = gateway.fake.bill.totals["billed_nanousd"]
    assert gateway.costs == [billed]
    assert gateway.funds.provider_ids == ["f-1"]
    assert gateway.answers() == {"answer": 1}
    assert gateway.total("daydream_spent_usd_total") == pytest.approx(billed / 10**9)
    assert gateway.total("gen_ai_client_operation_duration_seconds_count") == 1
    assert gateway.total("gen_ai_client_token_usage_count") == 2
    assert await gateway.about() == []


async def test_streams_one_after_the_other_share_a_connection(opened: OpenGateway) -> None:
    gateway = opened()
    for _ in range(3):
        await gateway.read()
    assert len(gateway.fake.peers) == 1


async def test_streams_without_usage_raise_an_alarm_and_close_no_model(
    opened: OpenGateway,
) -> None:
    gateway = opened()
    gateway.fake.tell(stream={"usage": None})
    for _ in range(7):
        assert (await gateway.read())[-1] == DONE
    assert gateway.costs == list(gateway.funds.authorized.values()), "all that was authorized"
    assert gateway.model.limiter.state().status == "open"
    assert await gateway.about() == ["no-usage: priced-1"]


@pytest.mark.parametrize("cost_usd", [0, 0.0009])
async def test_the_bill_of_a_stream_counts_and_a_difference_raises_an_alarm(
    opened: OpenGateway, cost_usd: float
) -> None:
    gateway = opened()
    gateway.fake.tell(stream={"usage": {"cost": cost_usd}})
    await gateway.read()
    assert gateway.costs == [round(cost_usd * 10**9)]
    assert await gateway.about() == ["price-differs: priced-1"]


async def test_after_a_bill_above_its_bound_the_next_streams_have_bounds_that_cover_it(
    opened: OpenGateway,
) -> None:
    gateway = opened("reported-cost")
    for _ in range(2):
        await gateway.read()
    first, second = gateway.funds.authorized.values()
    assert first < 12_300_000 < second


async def test_an_error_as_the_first_event_is_a_refusal_that_costs_nothing(
    opened: OpenGateway,
) -> None:
    gateway = opened()
    gateway.fake.tell(stream={"error": BUSY})
    with pytest.raises(CallRefusedError) as refused:
        await begun(gateway.begin())
    assert (refused.value.status, refused.value.disposition) == (429, "wait")
    assert (gateway.costs, gateway.answers()) == ([0], {"busy": 1})


@pytest.mark.parametrize(
    ("behaviour", "row"), [("bad-key", "key-refused"), ("out-of-balance", "no-balance")]
)
async def test_a_refused_stream_is_counted_by_its_row_and_stops_the_model(
    opened: OpenGateway, behaviour: str, row: str
) -> None:
    gateway = opened(behaviour)
    with pytest.raises(CallRefusedError):
        await gateway.read()
    assert (gateway.costs, gateway.answers()) == ([0], {row: 1})
    assert gateway.model.limiter.state().status == "stopped"


async def test_an_error_in_the_middle_is_the_last_event_and_what_came_may_be_billed(
    opened: OpenGateway,
) -> None:
    gateway = opened()
    gateway.fake.tell(stream={"error": BUSY, "pieces": 3})
    events = [event async for event in await begun(gateway.begin())]
    assert len(events) == 4
    assert json.loads(events[-1].removeprefix(b"data: "))["error"]["code"] == "busy"
    assert gateway.costs == [None]


@pytest.mark.parametrize("behaviour", ["blanks", "stutters"])
async def test_a_stream_that_runs_away_is_cut_early(opened: OpenGateway, behaviour: str) -> None:
    gateway = opened(behaviour)
    events = await gateway.read(max_tokens=100_000)
    assert (len(events) < 1000, events[-1]) == (True, DONE)
    end = json.loads(events[-2].removeprefix(b"data: "))
    assert end["choices"] == [{"index": 0, "delta": {}, "finish_reason": "length"}]
    assert gateway.costs == list(gateway.funds.authorized.values())
    assert (gateway.answers(), await gateway.about()) == ({"runaway": 1}, [])


async def test_a_caller_that_reads_nothing_holds_neither_a_turn_nor_money(
    opened: OpenGateway,
) -> None:
    gateway = opened()
    events = gateway.begin()
    await anext(events)
    async with asyncio.timeout(5):
        while not gateway.costs:
            await asyncio.sleep(0)
    assert gateway.costs == [gateway.fake.bill.totals["billed_nanousd"]]
    assert gateway.model.limiter.state().in_flight == 0
    assert [event async for event in events][-1] == DONE, "nothing of it is lost"


async def test_a_stream_that_is_left_unread_beyond_its_time_is_cut(
    opened: OpenGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_pipe, "EVENTS_MAX", 2)
    gateway = opened(timeout_s=0.3)
    events = gateway.begin()
    await anext(events)
    async with asyncio.timeout(5):
        while not gateway.costs:
            await asyncio.sleep(0.01)
    assert (gateway.costs, gateway.model.limiter.state().in_flight) == ([None], 0)
    with pytest.raises(CallRefusedError, match="too slowly"):
        async for _ in events:
            pass


async def test_a_caller_that_leaves_costs_in_full_and_frees_its_turn(opened: OpenGateway) -> None:
    gateway = opened()
    gateway.fake.tell(tokens_per_s=40)
    events = gateway.begin()
    await anext(events)
    await events.aclose()
    assert (gateway.costs, gateway.model.limiter.state().in_flight) == ([None], 0)
    assert gateway.answers() == {"cancelled": 1}


async def test_an_answer_in_one_piece_is_streamed_too(opened: OpenGateway) -> None:
    gateway = opened()
    provider = gateway.model.provider
    attempt, stream = provider.attempt, provider.stream

    async def whole(body: dict[str, Any]) -> AsyncIterator[Any]:
        yield await attempt("/chat/completions", {**body, "stream": False})

    provider.stream = whole  # type: ignore[assignment, method-assign]
    events = await gateway.read()
    provider.stream = stream  # type: ignore[method-assign]
    assert events[-1] == DONE
    assert gateway.costs == [gateway.fake.bill.totals["billed_nanousd"]]


async def test_no_stream_begins_after_the_stop(opened: OpenGateway) -> None:
    gateway = opened()
    streams = PassThrough(gateway.attempts)
    await streams.finish(1)
    with pytest.raises(CallRefusedError, match="stopping"):
        await anext(streams.events(PROGRAM, BODY, wants_usage=True))
    assert gateway.funds.authorized == {}
