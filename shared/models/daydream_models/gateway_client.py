"""Ask the gateway over HTTP, and read its refusals.

The client repeats nothing: the gateway repeats what is worth repeating, and the delivery middleware
does the rest. A disposition in each refusal says which error of the middleware it is.

The `openai` package is not used here. It was a third of what a stage imports, and 4 ms of processor
time a call where aiohttp costs 0.4, which the NATS client imports anyway.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
import certifi
from pydantic import BaseModel, ValidationError

from daydream_contracts.errors import (
    ConfigurationError,
    DaydreamError,
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_contracts.gateway_http import (
    BATCH_LANE,
    CALL_HEADER,
    LANE_HEADER,
    RESERVATION_HEADER,
    CallReceipt,
)
from daydream_models.chat_completion import ChatCompletion, EmbeddingAnswer
from daydream_models.settings import GatewayAddress
from daydream_runtime.telemetry import trace_headers

RETRY_S = 5.0  # after a failure that names no time
# Servers on uvicorn close idle connections after 5 s; one that is closing takes no request.
KEEP_ALIVE_S = 4.0
CONNECT_S_MAX = 10.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
UNAUTHORIZED, REFUSED_MIN = 401, 400
AnswerModel = TypeVar("AnswerModel", bound=BaseModel)


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
    """One stage's way to the models. It connects with the first request."""

    def __init__(self, address: GatewayAddress) -> None:
        self._address = address
        self._url = address.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def check(self, model: str) -> None:
        """Ask the gateway for a model, which costs nothing.

        Raise ConfigurationError if it refuses the key, RetryLaterError if it is away.
        """
        status, body = await self._send("GET", f"/models/{quote(model, safe='')}")
        if status == UNAUTHORIZED:
            raise ConfigurationError(
                f"the gateway {self._url} does not accept this stage's key",
                "Set DAYDREAM_GATEWAY_KEY to the key that the gateway has for this stage",
            )
        if status >= REFUSED_MIN:
            raise _failure(status, body)

    async def chat(
        self, call_id: str, reservation_id: str, body: Mapping[str, Any], *, batch: bool = False
    ) -> GatewayAnswer:
        """Return the answer of a named call.

        Raise RetryLaterError while it has to wait, TransientError for a failed attempt, and
        PermanentError for a request that is never answered.
        """
        headers = {CALL_HEADER: call_id, RESERVATION_HEADER: reservation_id}
        if batch:
            headers[LANE_HEADER] = BATCH_LANE
        completion = await self._ask("/chat/completions", body, headers, ChatCompletion)
        if completion.daydream is None:
            raise RetryLaterError("the answer is not the gateway's: it has no receipt")
        return GatewayAnswer(completion, completion.daydream)

    async def embed(self, model: str, texts: Sequence[str], dimensions: int = 0) -> Vectors:
        """Return one vector per text. `dimensions` 0: the model's own number. Raises as `chat`."""
        body: dict[str, Any] = {"model": model, "input": list(texts), "encoding_format": "float"}
        if dimensions:
            body["dimensions"] = dimensions
        answer = await self._ask("/embeddings", body, {}, EmbeddingAnswer)
        rows = sorted(answer.data, key=lambda row: row.index)
        return Vectors([row.embedding for row in rows], answer.daydream)

    async def _ask(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        answer: type[AnswerModel],
    ) -> AnswerModel:
        status, content = await self._send("POST", path, json.dumps(body).encode(), headers)
        if status >= REFUSED_MIN:
            raise _failure(status, content)
        try:
            return answer.model_validate_json(content)
        except ValidationError as error:
            text = f"the answer is not the gateway's: {error.error_count()} fields are wrong"
            raise RetryLaterError(text, delay_s=RETRY_S) from error

    async def _send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return status and body of the reply.

        Raise RetryLaterError without one. That is no failure of the message: the call may continue,
        and its answer is kept.
        """
        own = {"content-type": "application/json", **trace_headers(), **(headers or {})}
        try:
            async with self._opened().request(
                method, f"{self._url}{path}", data=body or None, headers=own, allow_redirects=False
            ) as reply:
                return reply.status, await reply.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"the gateway does not answer: {error or type(error).__name__}"
            raise RetryLaterError(text, delay_s=RETRY_S) from error

    def _opened(self) -> aiohttp.ClientSession:
        """Return the connections. They need a running event loop, so they are opened late."""
        if self._session is None:
            key = self._address.key.get_secret_value() or "none"
            timeout_s = self._address.timeout_s
            connect_s = min(CONNECT_S_MAX, timeout_s)
            encrypted = self._url.startswith("https:")
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=KEEP_ALIVE_S, ssl=_trust() if encrypted else True
                ),
                headers={"authorization": f"Bearer {key}", "user-agent": "daydream-stage"},
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=connect_s),
                trust_env=urlsplit(self._url).hostname not in LOOPBACK,  # proxies
            )
        return self._session


@cache
def _trust() -> ssl.SSLContext:
    """Return the certificates that are trusted: the system's, and certifi's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _failure(status: int, content: bytes) -> DaydreamError:
    """Return what a refusal means for the message."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    error = body.get("error", body) if isinstance(body, Mapping) else None
    detail = error if isinstance(error, Mapping) else {}
    return refusal_error({"message": f"the gateway answered with status {status}", **detail})


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
