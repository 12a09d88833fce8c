"""Ask the gateway with the `openai` client, and read its refusals.

The client's own retries are off: the gateway repeats what is worth repeating, and the delivery
middleware does the rest. A disposition in each refusal says which error of the middleware it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from daydream_contracts.errors import (
    ConfigurationError,
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_contracts.gateway_http import (
    BATCH_LANE,
    CALL_HEADER,
    EXTENSION,
    LANE_HEADER,
    RESERVATION_HEADER,
    CallReceipt,
)
from daydream_models.settings import GatewayAddress
from daydream_runtime.telemetry import trace_headers

RETRY_S = 5.0  # after a failure that names no time


@dataclass(frozen=True)
class GatewayAnswer:
    """A chat answer and its receipt."""

    completion: ChatCompletion
    receipt: CallReceipt

    @property
    def text(self) -> str:
        """Return what the model said."""
        choices = self.completion.choices
        return (choices[0].message.content if choices else None) or ""

    @property
    def finish_reason(self) -> str:
        """Return why the answer ends, e.g. "stop" or "length"."""
        choices = self.completion.choices
        return (choices[0].finish_reason if choices else None) or "none"


@dataclass(frozen=True)
class Vectors:
    """One vector per text, in their order."""

    vectors: Sequence[Sequence[float]]
    receipt: CallReceipt


class GatewayClient:
    """One stage's way to the models."""

    def __init__(self, address: GatewayAddress) -> None:
        self._client = openai.AsyncOpenAI(
            api_key=address.key.get_secret_value() or "none",
            base_url=address.url,
            timeout=address.timeout_s,
            max_retries=0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def check(self, model: str) -> None:
        """Ask the gateway for a model, which costs nothing.

        Raise ConfigurationError if it refuses the key, RetryLaterError if it is away.
        """
        try:
            await self._client.models.retrieve(model)
        except openai.AuthenticationError:
            raise ConfigurationError(
                f"the gateway {self._client.base_url} does not accept this stage's key",
                "Set DAYDREAM_GATEWAY_KEY to the key that the gateway has for this stage",
            ) from None
        except openai.APIError as error:
            raise _failure(error) from error

    async def chat(
        self, call_id: str, reservation_id: str, body: Mapping[str, Any], *, batch: bool = False
    ) -> GatewayAnswer:
        """Return the answer of a named call.

        Raise RetryLaterError while it has to wait, TransientError for a failed attempt, and
        PermanentError for a request that is never answered.
        """
        headers = {CALL_HEADER: call_id, RESERVATION_HEADER: reservation_id, **trace_headers()}
        if batch:
            headers[LANE_HEADER] = BATCH_LANE
        try:
            completion: ChatCompletion = await self._client.chat.completions.create(
                **body, extra_headers=headers
            )
        except openai.APIError as error:
            raise _failure(error) from error
        return GatewayAnswer(completion, _receipt(completion))

    async def embed(self, model: str, texts: Sequence[str], dimensions: int = 0) -> Vectors:
        """Return one vector per text. `dimensions` 0: the model's own number. Raises as `chat`."""
        optional: dict[str, Any] = {"dimensions": dimensions} if dimensions else {}
        try:
            answer = await self._client.embeddings.create(
                model=model,
                input=list(texts),
                encoding_format="float",
                extra_headers=trace_headers(),
                **optional,
            )
        except openai.APIError as error:
            raise _failure(error) from error
        rows = sorted(answer.data, key=lambda row: row.index)
        return Vectors([row.embedding for row in rows], _receipt(answer))


def _receipt(answer: Any) -> CallReceipt:
    return CallReceipt.model_validate((answer.model_extra or {}).get(EXTENSION))


def _failure(error: openai.APIError) -> RetryLaterError | TransientError | PermanentError:
    """Return what a refusal means for the message.

    A gateway that does not answer (in time) is no failure of the message: the call may
    continue, and its answer is kept.
    """
    if not isinstance(error, openai.APIStatusError):
        return RetryLaterError(f"the gateway does not answer: {error.message}", delay_s=RETRY_S)
    body = error.body if isinstance(error.body, Mapping) else {}
    return refusal_error({"message": error.message, **body})


def refusal_error(error: Mapping[str, Any]) -> RetryLaterError | TransientError | PermanentError:
    """Return the error of the middleware that a refusal of the gateway stands for."""
    text, delay_s = str(error.get("message")), error.get("retry_after_s")
    match error.get("disposition"):
        case "reject":
            return PermanentError(str(error.get("code") or "refused"), text)
        case "retry":
            return TransientError(text)
        case _:
            wait_s = float(delay_s) if isinstance(delay_s, int | float) else RETRY_S
            return RetryLaterError(text, delay_s=wait_s)
