"""Measure how many tokens per second a model server reads and writes, to derive a price from the
machine's cost.

Reading and writing are measured separately, each with as many concurrent calls as there will be
later, because a server that batches writes many more tokens per second with many calls. Reading:
long prompts, each with other words (a cached prompt costs nothing), and one token of answer.
Writing: short prompts and long answers. Each phase ends with its last call, and all its tokens
count over all its time. So the rates are rather too low, and a price derived from them rather too
high.
"""

from __future__ import annotations

import asyncio
import random
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daydream_budget.gateway.providers.corrections import ask_corrected
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.provider import CHAT_PATH, Provider
from daydream_contracts.errors import ConfigurationError

PROMPT_WORDS = 300  # about 900 tokens, because the words are random letters
ANSWER_TOKENS = 200
WRITE = "Write a long story about number {number}. Do not stop early."


@dataclass(frozen=True)
class Throughput:
    """Tokens per second over all concurrent calls, and the number of calls behind each figure."""

    input_tokens_per_s: float
    output_tokens_per_s: float
    reading_calls: int
    writing_calls: int


@dataclass(frozen=True)
class _Phase:
    """Tokens and calls of a phase, and the seconds until its last call ended."""

    input_tokens: int
    output_tokens: int
    calls: int
    elapsed_s: float


@dataclass(frozen=True)
class MeasuredModel:
    """The model to measure."""

    name: str
    provider: Provider
    dialect: Dialect

    async def usage(self, request: Mapping[str, Any]) -> tuple[int, int]:
        """Make a call and return (input tokens, output tokens). Raise ConfigurationError."""
        asked = await ask_corrected(
            lambda sent: self.provider.attempt(CHAT_PATH, sent), request, self.dialect
        )
        reply = asked.reply
        if reply.shape != "completion":
            raise ConfigurationError(
                f"The model did not answer: {reply.message or reply.shape}",
                "Check that it is loaded, and try fewer concurrent calls",
            )
        if reply.usage is None:
            raise ConfigurationError(
                "The server does not report the tokens of a call",
                "Start it with an option that reports usage, or set input_tokens_per_s by hand",
            )
        return reply.usage.input_tokens, reply.usage.output_tokens


async def measure(
    model: MeasuredModel,
    *,
    concurrency: int,
    seconds: float,
    seed: int,
    progress: Callable[[str], None],
) -> Throughput:
    """Measure for about `seconds` in each of the two phases.

    Raise ConfigurationError if the server fails or does not report its usage.
    """
    generator = random.Random(seed)

    def reading_request() -> dict[str, Any]:
        return _request(model.name, _random_words(generator), 1)

    def writing_request() -> dict[str, Any]:
        return _request(model.name, WRITE.format(number=generator.randrange(10**6)), ANSWER_TOKENS)

    progress(f"reading with {concurrency} concurrent calls")
    reading = await _measure_phase(model, concurrency, seconds, reading_request)
    progress(f"writing with {concurrency} concurrent calls")
    writing = await _measure_phase(model, concurrency, seconds, writing_request)
    return Throughput(
        reading.input_tokens / reading.elapsed_s,
        writing.output_tokens / writing.elapsed_s,
        reading.calls,
        writing.calls,
    )


async def _measure_phase(
    model: MeasuredModel, concurrency: int, seconds: float, make: Callable[[], dict[str, Any]]
) -> _Phase:
    await model.usage(make())  # the first call may have to load the model
    started = time.perf_counter()
    usages: list[tuple[int, int]] = []

    async def call_repeatedly() -> None:
        while time.perf_counter() - started < seconds:
            usages.append(await model.usage(make()))

    await asyncio.gather(*(call_repeatedly() for _ in range(concurrency)))
    elapsed_s = time.perf_counter() - started
    inputs, outputs = zip(*usages, strict=True)
    return _Phase(sum(inputs), sum(outputs), len(usages), elapsed_s)


def _request(model: str, text: str, output_tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "max_completion_tokens": output_tokens,
        "temperature": 1.0,
        "seed": 0,
    }


def _random_words(generator: random.Random) -> str:
    words = ("".join(generator.choices(string.ascii_lowercase, k=5)) for _ in range(PROMPT_WORDS))
    return " ".join(words)
