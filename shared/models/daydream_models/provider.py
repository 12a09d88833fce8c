"""One attempt at one call to an OpenAI-compatible endpoint.

The `openai` client's own retries are off: every attempt needs its own authorization. What its
errors mean for message and money is in `provider_errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from daydream_contracts.errors import ConfigurationError, PermanentError
from daydream_models.pricing.usage import embedding_usage
from daydream_models.provider_answers import ProviderAnswer, ProviderVectors, provider_answer
from daydream_models.provider_errors import ModelCallError, model_call_error, root_cause
from daydream_models.settings import ModelSettings

OPTIONAL_PARAMETERS = (  # reasoning models and older servers refuse some of these
    "temperature",
    "seed",
    "response_format",
    "logprobs",
    "top_logprobs",
)
TOP_LOGPROBS = 10
CHECK_TIMEOUT_S = 10.0
LENGTH_KEYWORDS = ("minLength", "maxLength")


@dataclass(frozen=True)
class ChatRequest:
    """One chat call, independent of what the endpoint supports."""

    messages: tuple[dict[str, str], ...]
    schema: dict[str, Any]
    schema_name: str
    output_tokens_max: int
    temperature: float
    seed: int


class ModelProvider:
    """A model behind an OpenAI-compatible endpoint."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._refused: set[str] = set()  # parameters that this model has refused
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value() or "none",
            base_url=settings.base_url,
            timeout=settings.timeout_s,
            max_retries=0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def check(self) -> None:
        """Raise ConfigurationError if the endpoint does not answer or does not accept the key."""
        url = self.settings.base_url
        try:
            await self._client.with_options(timeout=CHECK_TIMEOUT_S).models.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise ConfigurationError(
                f"the model endpoint {url} does not accept the key",
                "Check OPENAI_API_KEY or DAYDREAM_MODEL_API_KEY",
            ) from None
        except openai.APIConnectionError as error:
            raise ConfigurationError(
                f"the model endpoint {url} can't be reached ({root_cause(error)})",
                "Start it, or check DAYDREAM_MODEL_BASE_URL",
            ) from None
        except openai.APIStatusError:
            return  # it answers; not every server lists its models

    async def complete(self, request: ChatRequest) -> ProviderAnswer:
        """Make the call. Raise ModelCallError."""
        try:
            return provider_answer(await self._create(self.body(request)))
        except openai.APIError as error:
            raise model_call_error(error) from error

    async def embed(self, texts: Sequence[str], dimensions: int = 0) -> ProviderVectors:
        """Return one vector per text, in their order. `dimensions` 0: the model's own number.

        Raise ModelCallError, also for an answer without one vector per text.
        """
        optional: dict[str, Any] = {"dimensions": dimensions} if dimensions else {}
        try:
            answer = await self._client.embeddings.create(
                model=self.settings.name, input=list(texts), encoding_format="float", **optional
            )
        except openai.APIError as error:
            raise model_call_error(error) from error
        rows = sorted(answer.data, key=lambda row: row.index)
        vectors = [list(row.embedding) for row in rows]
        lengths = {len(vector) for vector in vectors}
        if len(vectors) != len(texts) or len(lengths) != 1 or 0 in lengths:
            text = f"{len(vectors)} vectors came for {len(texts)} texts"
            raise ModelCallError(PermanentError("wrong-vectors", text), may_have_cost=True)
        provider_id = getattr(answer, "id", "") or ""
        return ProviderVectors(vectors, embedding_usage(answer.usage), provider_id)

    async def _create(self, body: dict[str, Any]) -> ChatCompletion:
        """Make the call; repeat it without each optional parameter that this model refuses.

        A refusal costs nothing. Each round drops one parameter, so the loop ends.
        """
        while True:
            body = self._without_refused(body)
            try:
                completion: ChatCompletion = await self._client.chat.completions.create(**body)
                return completion
            except openai.BadRequestError as error:
                if error.param not in OPTIONAL_PARAMETERS or error.param not in body:
                    raise
                self._refused.add(error.param)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """Return the body of the call, without parameters that this model is known to refuse."""
        settings = self.settings
        is_openai = "api.openai.com" in settings.base_url
        own = settings.temperature
        # OpenAI's newer models refuse `max_tokens`; other servers know only that
        limit = "max_completion_tokens" if is_openai else "max_tokens"
        body: dict[str, Any] = {
            "model": settings.name,
            "messages": list(request.messages),
            "seed": request.seed,
            "temperature": request.temperature if own is None else own,
            limit: request.output_tokens_max,
        }
        if settings.logprobs:
            body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
        if settings.answers == "json_schema":
            schema = without_lengths(request.schema) if is_openai else request.schema
            shape = {"name": request.schema_name, "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif settings.answers == "json_object":
            body["response_format"] = {"type": "json_object"}
        return self._without_refused(body)

    def _without_refused(self, body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if name not in self._refused}


def without_lengths(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without the lengths of its strings, which OpenAI's strict mode refuses.

    Other servers need them: without a maximum a small model fills its answer with one string.
    """
    properties = {
        name: {keyword: value for keyword, value in field.items() if keyword not in LENGTH_KEYWORDS}
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": properties}
