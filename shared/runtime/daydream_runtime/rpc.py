"""Send requests to endpoints over core NATS, and reply to failed ones with their failure.

The client is not FastStream's: commands use it without a broker, and it repeats a request until
a reply comes. Every endpoint allows that (see the topology).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from faststream import BaseMiddleware
from faststream.message import StreamMessage
from faststream.nats import NatsResponse
from nats.aio.client import Client
from nats.aio.msg import Msg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_before_delay, wait_exponential

from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.topology import Endpoint, ReplyT, RequestT
from daydream_runtime.telemetry import trace_headers

log = logging.getLogger(__name__)
TRY_S = 2.0
PATIENCE_S = 20.0
PAUSE_S, PAUSE_S_MAX = 0.02, 1.0
FAILURE_HEADER = "Daydream-Failure"
REASON_HEADER = "Daydream-Reason"
REQUEST_ERRORS = (nats.errors.Error, ConnectionError, TimeoutError)


class RpcClient:
    """Send requests over one connection."""

    def __init__(self, nc: Client, *, patience_s: float = PATIENCE_S) -> None:
        self._nc = nc
        self._patience_s = patience_s

    async def request(
        self,
        endpoint: Endpoint[RequestT, ReplyT],
        request: RequestT,
        *,
        patience_s: float | None = None,
        try_s: float = TRY_S,
    ) -> ReplyT:
        """Return the reply.

        Repeat the request with growing pauses until a reply comes, each try for `try_s`. Raise
        RetryLaterError if no server replies within `patience_s`, or the failure that the server
        replied with.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(REQUEST_ERRORS),
            stop=stop_before_delay(self._patience_s if patience_s is None else patience_s),
            wait=wait_exponential(multiplier=PAUSE_S, max=PAUSE_S_MAX),
            reraise=True,
        )
        body = request.model_dump_json().encode()
        try:
            reply: Msg = await retrying(
                self._nc.request, endpoint.subject, body, timeout=try_s, headers=trace_headers()
            )
        except REQUEST_ERRORS as error:
            text = f"{endpoint.service} does not answer on {endpoint.subject}"
            raise RetryLaterError(f"{text}: {type(error).__name__}") from error
        return _read(endpoint, reply)


def _read(endpoint: Endpoint[RequestT, ReplyT], reply: Msg) -> ReplyT:
    headers = reply.headers or {}
    text = reply.data.decode(errors="replace")
    match headers.get(FAILURE_HEADER):
        case None:
            return endpoint.reply.model_validate_json(reply.data)
        case "not-now":
            raise RetryLaterError(text)
        case "transient":
            raise TransientError(text)
        case _:
            raise PermanentError(headers.get(REASON_HEADER, "refused"), text)


class FailureReplyMiddleware(BaseMiddleware[Any, Msg | None]):
    """Reply to a failed request with its failure. Without this the client waits for its timeout.

    `RpcClient` raises the same kind of failure. An unexpected exception is a bug: it is logged, and
    reported as permanent.
    """

    async def consume_scope(
        self, call_next: Callable[[Any], Awaitable[Any]], msg: StreamMessage[Any]
    ) -> Any:
        try:
            return await call_next(msg)
        except Exception as error:
            headers, text = failure_reply(error)
            if headers.get(REASON_HEADER) == "bug":
                log.exception("a request failed: %s", text)
            return NatsResponse(text, headers=headers)


def failure_reply(error: Exception) -> tuple[dict[str, str], str]:
    """Return the headers and the body that tell a client how its request failed."""
    match error:
        case RetryLaterError() | nats.errors.Error() | TimeoutError():
            return {FAILURE_HEADER: "not-now"}, str(error)
        case TransientError():
            return {FAILURE_HEADER: "transient"}, str(error)
        case PermanentError():
            return {FAILURE_HEADER: "permanent", REASON_HEADER: error.reason}, str(error)
        case _:
            headers = {FAILURE_HEADER: "permanent", REASON_HEADER: "bug"}
            return headers, f"{type(error).__name__}: {error}"
