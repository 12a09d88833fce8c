"""Send requests to endpoints over core NATS.

The client is not FastStream's, and this module imports neither FastStream nor OpenTelemetry's SDK:
commands use it without a broker, and must start fast. It repeats a request until a
reply comes. Every endpoint allows that (see the topology). `failure_replies` is the other side.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from tenacity import AsyncRetrying, retry_if_exception_type, stop_before_delay, wait_exponential

from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.topology import Endpoint, ReplyT, RequestT
from daydream_runtime.nats_client import PermissionDeniedError

TRY_S = 2.0
PATIENCE_S = 20.0
PAUSE_S, PAUSE_S_MAX = 0.02, 1.0
FAILURE_HEADER = "Daydream-Failure"
REASON_HEADER = "Daydream-Reason"
REQUEST_ERRORS = (nats.errors.Error, ConnectionError, TimeoutError)


class RpcClient:
    """Send requests over one connection. `headers` returns those of the current trace."""

    def __init__(
        self,
        nc: Client,
        *,
        patience_s: float = PATIENCE_S,
        headers: Callable[[], dict[str, str]] = dict,
    ) -> None:
        self._nc = nc
        self._headers = headers
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

        Repeat the request with growing pauses until a reply comes, the first try for `try_s`. Raise
        RetryLaterError if no server replies within `patience_s`, or the failure that the server
        replied with.
        """
        body, headers = request.model_dump_json().encode(), self._headers()
        ask = partial(self._nc.request, endpoint.subject, body, headers=headers)
        patience_s = self._patience_s if patience_s is None else patience_s
        tries = _Tries(ask, try_s, time.monotonic() + patience_s)
        try:
            reply = await tries.until_answered()
        except PermissionDeniedError as error:
            raise RetryLaterError(str(error)) from error
        except REQUEST_ERRORS as error:
            text = f"{endpoint.service} does not answer on {endpoint.subject}"
            raise RetryLaterError(f"{text}: {type(error).__name__}") from error
        return _read(endpoint, reply)


class _Tries:
    """One request, repeated until the deadline.

    After a try without a reply the next one has twice as long. A large reply over a slow link needs
    its time, and a repetition that comes too early makes it later: measured at 200 kB a second,
    the neighbours of eight draws never came within two seconds.
    """

    def __init__(self, ask: Callable[..., Awaitable[Msg]], try_s: float, deadline: float) -> None:
        self._ask = ask
        self._try_s = self._try_s_min = try_s
        self._deadline = deadline

    async def until_answered(self) -> Msg:
        """Return the reply. Raise the last error at the deadline."""
        try:
            return await self._once()  # tenacity costs as much CPU as a request
        except PermissionDeniedError:
            raise
        except REQUEST_ERRORS:
            if time.monotonic() + PAUSE_S >= self._deadline:
                raise
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(REQUEST_ERRORS),
            stop=stop_before_delay(self._deadline - time.monotonic()),
            wait=wait_exponential(multiplier=PAUSE_S, max=PAUSE_S_MAX),
            reraise=True,
        )
        await asyncio.sleep(PAUSE_S)
        return await retrying(self._once)

    async def _once(self) -> Msg:
        left_s = self._deadline - time.monotonic()
        try:
            return await self._ask(timeout=max(self._try_s_min, min(self._try_s, left_s)))
        except TimeoutError:
            self._try_s *= 2
            raise


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
