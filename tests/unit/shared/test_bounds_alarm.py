"""A bound that was too low: recorded at its real cost, and logged with everything that a test case needs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from pydantic import BaseModel

from daydream_models.client import BudgetedModelClient, ModelRequest
from daydream_models.pricing.lookup import FlatPrice, Price, TokenUsage
from daydream_models.prompt import Prompt
from daydream_models.provider import ChatRequest, ProviderAnswer
from daydream_models.response_store import StoredResponse
from daydream_models.settings import ModelSettings
from daydream_runtime.telemetry import Telemetry, start_telemetry

PRICE = FlatPrice.model_validate({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2})
PROMPT = Prompt("p", "Find the word.", "{{text}}", {"type": "object", "properties": {}})
TOKENS_MAX = 50


class Anything(BaseModel):
    pass


@dataclass
class Server:
    """Answers every call with this usage."""

    usage: TokenUsage
    settings: ModelSettings

    async def attempt(self, attempt: ChatRequest) -> ProviderAnswer:
        return ProviderAnswer("{}", "stop", "m-2026", self.usage, "chatcmpl-7")


@dataclass
class Books:
    """A budget and a store of answers that grant all and remember it."""

    stage: str = "synthesizer"
    team: str = ""
    bounds: list[int] = field(default_factory=list)
    settled: list[tuple[int | None, str]] = field(default_factory=list)
    kept: list[StoredResponse] = field(default_factory=list)

    async def draw(
        self, reservation_id: str, call_id: str, upper_bound_nanousd: int, lifetime_s: float
    ) -> str:
        self.bounds.append(upper_bound_nanousd)
        return "attempt"

    async def settle(
        self,
        attempt_id: str,
        cost_nanousd: int | None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider_id: str = "",
    ) -> None:
        self.settled.append((cost_nanousd, provider_id))

    async def find(self, call_id: str) -> StoredResponse | None:
        return None

    async def keep(self, answer: StoredResponse) -> None:
        self.kept.append(answer)


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    telemetry = start_telemetry("test", "one")
    yield telemetry
    telemetry.close()


async def ask(
    telemetry: Telemetry,
    usage: TokenUsage,
    text: str = "蚁",
    price: Price = PRICE,
    **settings: object,
) -> Books:
    books = Books()
    server = Server(
        usage,
        ModelSettings.model_validate(
            {"name": "m", "base_url": "http://127.0.0.1:1/v1", **settings}
        ),
    )
    model = BudgetedModelClient(server, price, books, books, telemetry)  # type: ignore[arg-type]
    await model.ask(
        ModelRequest("key", "reservation", PROMPT, PROMPT.fill(text=text), TOKENS_MAX, 0.5),
        Anything,
    )
    return books


async def test_a_call_above_its_bound_is_settled_at_its_real_cost_and_logged_in_one_line(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    usage = TokenUsage(5000, 60)
    books = await ask(telemetry, usage)
    cost = 5000 * 1000 + 60 * 2000
    assert books.settled == [(cost, "chatcmpl-7")]
    assert cost > books.bounds[0]
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    said = record.getMessage()
    size = sum(len(message["content"].encode()) for message in PROMPT.fill(text="蚁"))
    for needed in (
        "model m,",
        f"{size} bytes in 2 messages",
        f"+ {TOKENS_MAX} tokens",
        str(books.bounds[0]),
        str(cost),
        repr(usage),
        "Rates(",
    ):
        assert needed in said
    assert "\n" not in said


async def test_a_call_at_its_bound_is_no_alarm(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    books = await ask(telemetry, TokenUsage(100, TOKENS_MAX))
    assert books.bounds[0] >= (books.settled[0][0] or 0)
    assert [record for record in caplog.records if record.levelno == logging.ERROR] == []


async def test_reasoning_that_a_server_bills_beside_the_answer_is_in_the_bound(
    telemetry: Telemetry,
) -> None:
    plain, thinking = [
        (await ask(telemetry, TokenUsage(9, 9), reasoning_tokens_max=most)).bounds[0]
        for most in (0, 3000)
    ]
    assert thinking - plain == 3000 * 2000


async def test_the_answers_id_is_kept_with_it(telemetry: Telemetry) -> None:
    assert [answer.provider_id for answer in (await ask(telemetry, TokenUsage(9, 9))).kept] == [
        "chatcmpl-7"
    ]


async def test_an_exact_count_draws_less_where_there_is_one(telemetry: Telemetry) -> None:
    text = "Stress in a loaded plate concentrates at the tip of a crack. " * 30
    by_bytes = await ask(telemetry, TokenUsage(9, 9), text)
    counted = await ask(
        telemetry, TokenUsage(9, 9), text, name="gpt-4.1-mini", base_url="https://api.openai.com/v1"
    )
    assert counted.bounds[0] < by_bytes.bounds[0] / 2
