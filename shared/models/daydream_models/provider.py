"""One attempt at one call through the `openai` client, and what is known about its cost however it ends.

The client's hidden retries are off: every attempt is a draw of its own. What an error says about money:
not sent (connection refused) and refused by the server (4xx, 429) cost nothing; a broken or timed-out call and a 5xx may
have been billed, so their cost is unknown, which the ledger counts in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from daydream_contracts.errors import (
    ConfigurationError,
    DaydreamError,
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_models.logprobs import expected_numbers, token_of
from daydream_models.pricing.usage import TokenUsage, embedding_usage, reported_usage
from daydream_models.settings import ModelSettings

RETRY_AFTER_S_MAX = 3600.0
RETRY_AFTER_S_DEFAULT = 5.0
MISCONFIGURED_S = 30.0
OPTIONAL = (
    "temperature",
    "seed",
    "response_format",
    "logprobs",
    "top_logprobs",
)  # reasoning models and older servers refuse some of these
TOP_LOGPROBS = 10
LENGTHS = ("minLength", "maxLength")


@dataclass(frozen=True)
class ChatRequest:
    """A call as it is sent."""

    messages: tuple[dict[str, str], ...]
    schema: dict[str, Any]
    schema_name: str
    output_tokens_max: int
    temperature: float
    seed: int


@dataclass(frozen=True)
class ProviderAnswer:
    """What came back. `text` is where the server put it, content or reasoning; `usage` None: the server does not say, or says
    what can't be. `provider_id` is what the provider calls this answer."""

    text: str
    finish_reason: str
    model: str
    usage: TokenUsage | None
    provider_id: str = ""
    expected: dict[str, float] = field(
        default_factory=dict
    )  # numbers of the answer as expectations over token probabilities


@dataclass(frozen=True)
class ProviderVectors:
    """A vector for each text, as the server gave them; `usage` as in ProviderAnswer."""

    vectors: list[list[float]]
    usage: TokenUsage | None
    provider_id: str = ""


class ModelCallError(Exception):
    """An attempt without an answer: the failure for the message, and whether it may have cost something."""

    def __init__(self, failure: DaydreamError, *, may_have_cost: bool) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.may_have_cost = may_have_cost


class ModelProvider:
    """A model behind an OpenAI-compatible endpoint."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._unknown: set[str] = set()
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value() or "none",
            base_url=settings.base_url,
            timeout=settings.timeout_s,
            max_retries=0,
        )

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> None:
        """Before anything is spent: does the endpoint answer, and does it take the key? ConfigurationError if not."""
        where = self.settings.base_url
        try:
            await self._client.with_options(timeout=10).models.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise ConfigurationError(
                f"the model endpoint {where} does not accept the key",
                "Check OPENAI_API_KEY or DAYDREAM_MODEL_API_KEY",
            ) from None
        except openai.APIConnectionError as error:
            raise ConfigurationError(
                f"the model endpoint {where} can't be reached ({_root(error)})",
                "Start it, or check DAYDREAM_MODEL_BASE_URL",
            ) from None
        except openai.APIStatusError:
            return  # it answers; not every server lists its models

    async def attempt(self, attempt: ChatRequest) -> ProviderAnswer:
        """Make the call. Raises ModelCallError."""
        try:
            return raw_answer(await self._create(self.arguments(attempt)))
        except openai.APIError as error:
            raise failure_of(error) from error

    async def embed(self, texts: Sequence[str], dimensions: int = 0) -> ProviderVectors:
        """Vectors of texts in one call, in their order; `dimensions` 0: as many as the model gives. Raises ModelCallError, also for an answer that does
        not have a vector for each."""
        more: dict[str, Any] = {"dimensions": dimensions} if dimensions else {}
        try:
            found = await self._client.embeddings.create(
                model=self.settings.name, input=list(texts), encoding_format="float", **more
            )
        except openai.APIError as error:
            raise failure_of(error) from error
        vectors = [list(one.embedding) for one in sorted(found.data, key=lambda one: one.index)]
        if (
            len(vectors) != len(texts)
            or len({len(vector) for vector in vectors}) != 1
            or not all(vectors)
        ):
            raise ModelCallError(
                PermanentError(
                    "wrong-vectors", f"{len(vectors)} vectors came for {len(texts)} texts"
                ),
                may_have_cost=True,
            )
        return ProviderVectors(
            vectors, embedding_usage(found.usage), getattr(found, "id", "") or ""
        )

    async def _create(self, arguments: dict[str, Any]) -> ChatCompletion:
        """Make the call; once more without a parameter that this model does not know (a refusal costs nothing)."""
        for _ in OPTIONAL:
            arguments = {
                name: value for name, value in arguments.items() if name not in self._unknown
            }
            try:
                completion: ChatCompletion = await self._client.chat.completions.create(**arguments)
                return completion
            except openai.BadRequestError as error:
                if error.param not in OPTIONAL or error.param not in arguments:
                    raise
                self._unknown.add(error.param)
        completion = await self._client.chat.completions.create(**arguments)
        return completion

    def arguments(self, attempt: ChatRequest) -> dict[str, Any]:
        """The body of the call, without what this model is known to refuse."""
        arguments: dict[str, Any] = {
            "model": self.settings.name,
            "messages": list(attempt.messages),
            "seed": attempt.seed,
            "temperature": attempt.temperature
            if self.settings.temperature is None
            else self.settings.temperature,
        }
        if self.settings.logprobs:
            arguments |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        openai_itself = (
            "api.openai.com" in self.settings.base_url
        )  # its newer models refuse `max_tokens`; others know only that
        arguments["max_completion_tokens" if openai_itself else "max_tokens"] = (
            attempt.output_tokens_max
        )
        if self.settings.answers == "json_schema":
            shape = without_lengths(attempt.schema) if openai_itself else attempt.schema
            schema = {"name": attempt.schema_name, "strict": True, "schema": shape}
            arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.settings.answers == "json_object":
            arguments["response_format"] = {"type": "json_object"}
        return {name: value for name, value in arguments.items() if name not in self._unknown}


def without_lengths(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without lengths of strings, which OpenAI's strict mode refuses and which other servers need."""
    properties = {
        name: {key: value for key, value in one.items() if key not in LENGTHS}
        for name, one in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def raw_answer(completion: ChatCompletion) -> ProviderAnswer:
    """What a completion says."""
    choice = completion.choices[0] if completion.choices else None
    message = choice.message if choice else None
    text = (
        (message.content if message else None) or getattr(message, "reasoning_content", None) or ""
    )
    finish_reason = (choice.finish_reason if choice else None) or "none"
    usage = reported_usage(completion.usage, completion.service_tier)
    said = choice.logprobs.content if choice and choice.logprobs and choice.logprobs.content else []
    tokens = [
        token_of(
            one.token,
            {one.token: one.logprob}
            | {other.token: other.logprob for other in one.top_logprobs or ()},
        )
        for one in said
    ]
    return ProviderAnswer(
        text,
        finish_reason,
        completion.model or "",
        usage,
        str(completion.id or ""),
        expected_numbers(text, tokens),
    )


def failure_of(error: openai.APIError) -> ModelCallError:
    """What an error of the client means for the message, and for the money."""
    match error:
        case openai.RateLimitError():
            return ModelCallError(
                RetryLaterError("the model's server is busy (429)", delay_s=_retry_after_s(error)),
                may_have_cost=False,
            )
        case openai.AuthenticationError() | openai.PermissionDeniedError() | openai.NotFoundError():
            return ModelCallError(
                RetryLaterError(
                    f"the model endpoint refuses: {error.message}", delay_s=MISCONFIGURED_S
                ),
                may_have_cost=False,
            )
        case openai.APIStatusError() if error.status_code < 500:
            return ModelCallError(
                PermanentError("refused-by-model", f"{error.status_code}: {error.message}"),
                may_have_cost=False,
            )
        case openai.APITimeoutError():
            return ModelCallError(
                TransientError("the model did not answer in time"), may_have_cost=True
            )
        case openai.APIConnectionError():
            sent = type(error.__cause__).__name__ not in ("ConnectError", "ConnectTimeout")
            failure = (
                TransientError(f"the call broke off ({_root(error)})")
                if sent
                else RetryLaterError(f"no connection to the model ({_root(error)})")
            )
            return ModelCallError(failure, may_have_cost=sent)
        case _:
            return ModelCallError(
                TransientError(f"the model's server failed: {error.message}"), may_have_cost=True
            )


def _retry_after_s(error: openai.RateLimitError) -> float:
    try:
        return min(
            RETRY_AFTER_S_MAX, max(0.1, float(error.response.headers.get("retry-after", "")))
        )
    except ValueError:  # absent, or a date
        return RETRY_AFTER_S_DEFAULT


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
