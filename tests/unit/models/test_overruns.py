"""A call above its upper bound is settled at its real cost and logged with all details."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from daydream_models.client import BudgetedModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.pricing.price_file import FlatPrice
from daydream_models.pricing.usage import TokenUsage
from daydream_models.prompt import Prompt
from daydream_models.settings import ModelSettings
from daydream_runtime.telemetry import Telemetry, start_telemetry
from support.model_fakes import PROVIDER_ID, FakeBudgetClient, FakeProvider, FakeResponseStore

PRICE = FlatPrice.model_validate({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2})
PROMPT = Prompt("p", "Find the word.", "{{text}}", {"type": "object", "properties": {}})
TOKENS_MAX = 50


class AnyAnswer(BaseModel):
    """Any object."""


@dataclass
class Records:
    """What one request left behind."""

    budget: FakeBudgetClient = field(default_factory=FakeBudgetClient)
    responses: FakeResponseStore = field(default_factory=FakeResponseStore)

    @property
    def bound(self) -> int:
        """Return what was authorized for the only call."""
        (bound,) = self.budget.authorized.values()
        return bound

    @property
    def cost(self) -> int | None:
        """Return what the only call was settled at."""
        (cost,) = self.budget.settled.values()
        return cost


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    telemetry = start_telemetry("test", "one")
    yield telemetry
    telemetry.close()


async def send(
    telemetry: Telemetry, usage: TokenUsage, text: str = "蚁", **settings: object
) -> Records:
    records = Records()
    model_settings = ModelSettings.model_validate(
        {"name": "m", "base_url": "http://127.0.0.1:1/v1", **settings}
    )
    model = BudgetedModelClient(
        FakeProvider(["{}"], usage, model_settings),  # type: ignore[arg-type]
        PRICE,
        records.budget,  # type: ignore[arg-type]
        records.responses,  # type: ignore[arg-type]
        telemetry,
    )
    messages = PROMPT.fill(text=text)
    await model.request(
        ModelRequest("key", "reservation", PROMPT, messages, TOKENS_MAX, 0.5), AnyAnswer
    )
    return records


def errors(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.levelno == logging.ERROR]


async def test_a_call_above_its_bound_is_settled_at_its_real_cost_and_logged_in_one_line(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    usage = TokenUsage(5000, 60)
    records = await send(telemetry, usage)
    cost = 5000 * 1000 + 60 * 2000
    assert records.cost == cost > records.bound
    assert records.budget.provider_ids == [PROVIDER_ID]
    [error] = errors(caplog)
    line = error.getMessage()
    size = sum(len(message["content"].encode()) for message in PROMPT.fill(text="蚁"))
    for needed in (
        "Model: m.",
        f"{size} bytes in 2 messages",
        f"+ {TOKENS_MAX} tokens",
        str(records.bound),
        str(cost),
        repr(usage),
        "Rates(",
    ):
        assert needed in line
    assert "\n" not in line


async def test_a_call_at_its_bound_is_no_error(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    records = await send(telemetry, TokenUsage(100, TOKENS_MAX))
    assert records.bound >= (records.cost or 0)
    assert errors(caplog) == []


async def test_reasoning_that_a_server_bills_beside_the_answer_is_in_the_bound(
    telemetry: Telemetry,
) -> None:
    plain, thinking = [
        (await send(telemetry, TokenUsage(9, 9), reasoning_tokens_max=tokens_max)).bound
        for tokens_max in (0, 3000)
    ]
    assert thinking - plain == 3000 * 2000


async def test_the_providers_id_is_stored_with_the_answer(telemetry: Telemetry) -> None:
    stored = (await send(telemetry, TokenUsage(9, 9))).responses.stored
    assert [response.provider_id for response in stored.values()] == [PROVIDER_ID]


async def test_an_exact_count_authorizes_less_than_a_count_of_bytes(telemetry: Telemetry) -> None:
    text = "Stress in a loaded plate concentrates at the tip of a crack. " * 30
    by_bytes = await send(telemetry, TokenUsage(9, 9), text)
    counted = await send(
        telemetry, TokenUsage(9, 9), text, name="gpt-4.1-mini", base_url="https://api.openai.com/v1"
    )
    assert counted.bound < by_bytes.bound / 2
