"""How many tokens a second a machine of one's own reads and writes, for its price by time.

Reading and writing are measured apart, each with as many calls at once as will be in flight later, because a server that batches
writes many times more tokens a second with many calls. Reading: long prompts, each of other words (a cached prompt costs no work),
one token of answer. Writing: short prompts, long answers. Each phase ends with its last call, and all its tokens count over all its
time, so the figures are rather too low than too high, and a price made from them rather too high.
"""

from __future__ import annotations

import asyncio
import random
import string
import time
from collections.abc import Callable
from dataclasses import dataclass

from daydream_contracts.errors import ConfigurationError
from daydream_models.provider import ChatRequest, ModelProvider
from daydream_models.provider_errors import ModelCallError

WORDS_READ = 300  # some 900 tokens: they are made of letters by chance
TOKENS_WRITTEN = 200
WRITE = "Write a long story about number {number}. Do not stop early."


@dataclass(frozen=True)
class Throughput:
    """Tokens a second over all calls at once, and how many calls each figure rests on."""

    input_tokens_per_s: float
    output_tokens_per_s: float
    reading_calls: int
    writing_calls: int


async def measure(
    endpoint: ModelProvider,
    *,
    concurrency: int,
    seconds: float,
    seed: int,
    progress: Callable[[str], None],
) -> Throughput:
    """Measure for about `seconds` in each of the two phases. ConfigurationError when the server fails, or does not say its usage."""
    chance = random.Random(seed)
    progress(f"reading, {concurrency} calls at once")
    read, reading_s, reading = await _phase(
        endpoint, concurrency, seconds, lambda: _attempt(_other_words(chance), 1)
    )
    progress(f"writing, {concurrency} calls at once")
    written, writing_s, writing = await _phase(
        endpoint,
        concurrency,
        seconds,
        lambda: _attempt(WRITE.format(number=chance.randrange(10**6)), TOKENS_WRITTEN),
    )
    return Throughput(read[0] / reading_s, written[1] / writing_s, reading, writing)


async def _phase(
    endpoint: ModelProvider, concurrency: int, seconds: float, make: Callable[[], ChatRequest]
) -> tuple[tuple[int, int], float, int]:
    """Tokens read and written, the seconds until the last call ended, and the number of calls."""
    await _tokens(endpoint, make())  # the first call may have to load the model
    started = time.perf_counter()
    usages: list[tuple[int, int]] = []

    async def work() -> None:
        while time.perf_counter() - started < seconds:
            usages.append(await _tokens(endpoint, make()))

    await asyncio.gather(*(work() for _ in range(concurrency)))
    elapsed = time.perf_counter() - started
    return (
        (sum(read for read, _ in usages), sum(written for _, written in usages)),
        elapsed,
        len(usages),
    )


async def _tokens(endpoint: ModelProvider, attempt: ChatRequest) -> tuple[int, int]:
    try:
        answer = await endpoint.complete(attempt)
    except ModelCallError as failed:
        raise ConfigurationError(
            f"the model did not answer: {failed}",
            "Check that it is loaded, and try fewer calls at once",
        ) from None
    if answer.usage is None:
        raise ConfigurationError(
            "the server does not say how many tokens a call had",
            "Give it an option that reports usage, or set input_tokens_per_s by hand",
        )
    return answer.usage.input_tokens, answer.usage.output_tokens


def _attempt(text: str, output_tokens: int) -> ChatRequest:
    return ChatRequest(
        ({"role": "user", "content": text},),
        schema={},
        schema_name="",
        output_tokens_max=output_tokens,
        temperature=1.0,
        seed=0,
    )


def _other_words(chance: random.Random) -> str:
    return " ".join("".join(chance.choices(string.ascii_lowercase, k=5)) for _ in range(WORDS_READ))
