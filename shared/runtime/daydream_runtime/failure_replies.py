"""Reply to failed requests with their failure, which `RpcClient` raises again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from faststream import BaseMiddleware
from faststream.message import StreamMessage
from faststream.nats import NatsResponse
from nats.aio.msg import Msg

from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_runtime.rpc import FAILURE_HEADER, REASON_HEADER

log = logging.getLogger(__name__)


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
