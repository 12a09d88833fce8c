"""An attempt ends in a reply, whatever the provider does. All of this runs over real sockets."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.corrections import ask_corrected
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.dispositions import classify
from daydream_budget.gateway.providers.provider import CHAT_PATH, EMBEDDINGS_PATH, Provider
from daydream_budget.gateway.providers.reply import ProviderReply
from support.fake_answers import MALFORMED_SHAPES
from support.fake_provider import FakeProvider

OpenProvider = Callable[..., Provider]
KEY = "sk-canary-5f1e"
SCHEMA = {
    "type": "object",
    "properties": {"tint": {"type": "string", "maxLength": 40}, "warmth": {"type": "integer"}},
    "required": ["tint", "warmth"],
    "additionalProperties": False,
}
BODY: dict[str, Any] = {
    "model": "priced-1",
    "messages": [{"role": "user", "content": "Name a colour of the evening sky."}],
    "max_tokens": 500,
}
ASKED: dict[str, Any] = {
    **BODY,
    "seed": 1,
    "temperature": 0.5,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "colour", "strict": True, "schema": SCHEMA},
    },
}
ANSWER = '{"tint": "orange", "warmth": 7}'


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as server:
        yield server


@pytest.fixture
async def opened(fake: FakeProvider) -> AsyncIterator[OpenProvider]:
    """Open a provider for a behaviour; all are closed afterwards."""
    providers = []

    def open_provider(behaviour: str = "", timeout_s: float = 5.0, url: str = "") -> Provider:
        config = ProviderConfig(
            base_url=url or fake.base_url(behaviour),
            api_key=SecretStr(KEY),
            timeout_s=timeout_s,
        )
        providers.append(Provider(config))
        return providers[-1]

    yield open_provider
    for provider in providers:
        await provider.close()


async def row_of(opened: OpenProvider, behaviour: str, body: dict[str, Any] = BODY) -> str:
    return classify(await opened(behaviour, timeout_s=0.5).attempt(CHAT_PATH, body)).name


async def test_an_answer_is_read_and_its_usage_is_the_providers(
    fake: FakeProvider, opened: OpenProvider
) -> None:
    reply = await opened().attempt(CHAT_PATH, BODY)
    assert reply.text.startswith("The sky")
    assert reply.usage is not None
    billed = reply.usage.input_tokens * 150 + reply.usage.output_tokens * 600
    assert billed == fake.bill.totals["billed_nanousd"]


MALFORMED = {
    "prose": "answer",
    "html": "page",
    "cut-json": "truncated",
    "json-list": "no-choices",
    "no-choices": "no-choices",
    "null-content": "empty",
    "thought-only": "answer",
    "content-chunks": "answer",
    "message-string": "no-choices",
    "error-without-code": "unnamed-error",
    "refusal": "refusal",
    "filtered-answer": "filtered-answer",
    "cut": "cut",
    "no-usage": "answer",
    "drip": "too-slow",
}


@pytest.mark.parametrize("shape", MALFORMED_SHAPES)
@pytest.mark.fault("F13 F15", invariant="a malformed answer never counts as free")
async def test_a_malformed_answer_that_was_billed_never_counts_as_free(
    fake: FakeProvider, opened: OpenProvider, shape: str
) -> None:
    reply = await opened(shape, timeout_s=0.5).attempt(CHAT_PATH, BODY)
    row = classify(reply)
    assert row.name == MALFORMED[shape]
    assert fake.bill.totals["billed_nanousd"] > 0
    assert row.cost_of(reply) != "nothing"


@pytest.mark.parametrize(
    ("behaviour", "row"),
    [
        ("error-in-200", "busy"),
        ("out-of-balance", "no-balance"),
        ("timeout-408", "try-again"),
        ("overloaded-529", "overloaded"),
        ("quota", "quota"),
        ("bad-key", "key-refused"),
        ("no-such-model", "no-such-model"),
        ("content-filter", "filtered"),
        ("failed", "failed"),
        ("nothing-here", "no-such-model"),
    ],
)
async def test_a_refused_call_costs_nothing(
    fake: FakeProvider, opened: OpenProvider, behaviour: str, row: str
) -> None:
    reply = await opened(behaviour).attempt(CHAT_PATH, BODY)
    assert classify(reply).name == row
    assert classify(reply).cost_of(reply) == "nothing"
    assert fake.bill.totals["billed_nanousd"] == 0


@pytest.mark.fault("F15", invariant="a failure on the way may have cost something")
async def test_a_failure_of_a_proxy_may_have_cost_something(opened: OpenProvider) -> None:
    assert await row_of(opened, "bad-gateway") == "failed-without-body"
    assert await row_of(opened, "drop") == "broke-off"


@pytest.mark.parametrize("behaviour", ["drip", "late-headers"])
@pytest.mark.fault("F11", invariant="hangs and slow answers end at the wall-clock limit")
async def test_the_wall_clock_limit_frees_the_slot(opened: OpenProvider, behaviour: str) -> None:
    started_s = time.monotonic()
    assert await row_of(opened, behaviour) == "too-slow"
    assert time.monotonic() - started_s < 1.5


async def test_an_address_where_nothing_listens_costs_nothing(opened: OpenProvider) -> None:
    reply = await opened(url="http://127.0.0.1:9/v1").attempt(CHAT_PATH, BODY)
    assert classify(reply).name == "not-sent"
    assert "no connection" in reply.message


async def test_the_key_is_in_no_reply_even_where_the_provider_quotes_it(
    opened: OpenProvider,
) -> None:
    provider = opened("bad-key")
    reply = await provider.attempt(CHAT_PATH, BODY)
    assert "Incorrect API key provided: [redacted]" in reply.message
    assert KEY not in repr(reply)
    assert KEY not in repr(provider.config)


async def test_a_clipped_prompt_is_noticed(opened: OpenProvider) -> None:
    long_body = {**BODY, "messages": [{"role": "user", "content": "Some words of it. " * 400}]}
    assert (await opened("clipped-prompt").attempt(CHAT_PATH, long_body)).is_prompt_clipped
    assert not (await opened().attempt(CHAT_PATH, long_body)).is_prompt_clipped
    assert not (await opened().attempt(CHAT_PATH, BODY)).is_prompt_clipped


async def test_a_reported_cost_is_kept(opened: OpenProvider) -> None:
    reply = await opened("reported-cost").attempt(CHAT_PATH, BODY)
    assert reply.reported_cost_nanousd == 12_300_000


STREAMED = {**BODY, "stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    "behaviour", ["plain", "content-chunks", "thought-only", "thinks", "cut", "half-characters"]
)
async def test_a_watched_answer_is_the_same_as_a_whole_one(
    opened: OpenProvider, behaviour: str
) -> None:
    watched = await opened(behaviour).attempt(CHAT_PATH, STREAMED)
    whole = await opened(behaviour).attempt(CHAT_PATH, BODY)
    assert (watched.text, watched.finish, watched.thought) == (
        whole.text,
        whole.finish,
        whole.thought,
    )
    assert watched.usage == whole.usage
    assert classify(watched) == classify(whole)


async def test_a_watched_answer_of_one_byte_a_second_is_too_slow(opened: OpenProvider) -> None:
    assert await row_of(opened, "drip", STREAMED) == "too-slow"


@pytest.mark.parametrize("behaviour", ["blanks", "stutters"])
async def test_a_runaway_answer_is_broken_off_early_and_its_cost_is_unknown(
    fake: FakeProvider, opened: OpenProvider, behaviour: str
) -> None:
    reply = await opened(behaviour).attempt(CHAT_PATH, {**STREAMED, "max_tokens": 100_000})
    row = classify(reply)
    assert (row.name, row.cost_of(reply), reply.finish) == ("runaway", "unknown", "length")
    assert len(reply.text) < 20_000
    assert reply.body["choices"][0]["finish_reason"] == "length"


async def test_a_runaway_answer_is_recognised_where_it_came_whole(opened: OpenProvider) -> None:
    reply = await opened("blanks").attempt(CHAT_PATH, BODY)
    row = classify(reply)
    assert (row.name, row.cost_of(reply)) == ("runaway", "known")


async def test_a_stream_is_passed_on_line_by_line(opened: OpenProvider) -> None:
    lines = [line async for line in opened().stream(STREAMED) if isinstance(line, bytes)]
    assert lines[0].startswith(b'data: {"id"')
    assert [line for line in lines if line][-1] == b"data: [DONE]"


async def test_a_stream_that_is_refused_gives_one_reply(opened: OpenProvider) -> None:
    (reply,) = [reply async for reply in opened("quota").stream(BODY)]
    assert isinstance(reply, ProviderReply)
    assert classify(reply).name == "quota"


async def test_a_stream_that_is_too_slow_ends_in_a_reply_and_not_in_the_callers_code(
    fake: FakeProvider, opened: OpenProvider
) -> None:
    fake.tell(tokens_per_s=8)
    *lines, last = [reply async for reply in opened(timeout_s=0.7).stream(STREAMED)]
    assert lines
    assert all(isinstance(line, bytes) for line in lines)
    assert isinstance(last, ProviderReply)
    assert classify(last).name == "too-slow"


async def test_models_are_listed_for_nothing(opened: OpenProvider) -> None:
    names, _ = await opened().models()
    assert names == ["priced-1", "priced-2"]
    names, reply = await opened(url="http://127.0.0.1:9/v1").models()
    assert (names, reply.shape) == ([], "not-sent")


async def test_embeddings_are_read(opened: OpenProvider) -> None:
    body = {"model": "priced-1", "input": ["tide", "moss"]}
    reply = await opened().attempt(EMBEDDINGS_PATH, body)
    assert (reply.shape, len(reply.body["data"])) == ("embeddings", 2)
    assert reply.usage is not None


@pytest.mark.parametrize(
    ("behaviour", "calls"),
    [
        ("plain", 1),
        ("max-completion-tokens", 3),
        ("no-json-schema", 2),
        ("text-only", 3),
        ("no-seed", 2),
        ("mistral", 2),
    ],
)
async def test_a_dialect_is_learned_once_and_the_answer_stays_structured(
    fake: FakeProvider, opened: OpenProvider, behaviour: str, calls: int
) -> None:
    provider, dialect = opened(behaviour), Dialect()

    async def send(body: dict[str, Any]) -> ProviderReply:
        return await provider.attempt(CHAT_PATH, body)

    for _ in range(2):
        asked = await ask_corrected(send, ASKED, dialect)
        assert asked.reply.text == ANSWER
    assert fake.calls[behaviour] == calls + 1
    assert fake.bill.totals["refused"] == calls - 1


async def test_an_azure_deployment_is_asked_with_its_query_and_in_its_dialect(
    fake: FakeProvider, opened: OpenProvider
) -> None:
    provider = opened(url=f"{fake.base_url('old-azure')}/chat/completions?api-version=2024-02-01")

    async def send(body: dict[str, Any]) -> ProviderReply:
        return await provider.attempt(CHAT_PATH, body)

    asked = await ask_corrected(send, ASKED, Dialect(first_maximum="max_completion_tokens"))
    assert asked.reply.text == ANSWER
    assert asked.sent["max_tokens"] == 500
