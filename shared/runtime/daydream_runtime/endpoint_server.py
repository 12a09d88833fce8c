"""Reply to requests to endpoints: the part of request/reply that is not FastStream's.

An endpoint is a FastStream subscriber: that registers its handler, joins the queue group, describes
it and runs it under TestNatsBroker. Over a real connection, `reply_directly` takes its messages
instead of FastStream's `consume`. Measured on the budget service with 64 requests in progress,
FastStream 0.7.8 costs 1,300 µs of CPU a request and this module 150 µs, most of which is nats-py.
Every model call makes two requests to the budget service.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import nats.errors
from faststream import ContextRepo
from faststream.nats.subscriber.usecases import LogicSubscriber
from nats.aio.msg import Msg

from daydream_contracts.metrics import service as table
from daydream_contracts.topology import Endpoint
from daydream_runtime.failure_replies import failure_reply
from daydream_runtime.from_context import injected_names
from daydream_runtime.rpc import FAILURE_HEADER, REASON_HEADER
from daydream_runtime.span_failures import record_failure
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)
CONCURRENCY_MAX = 1024
BUG = "bug"
FINISH_TIMEOUT_S = 5.0


class EndpointServer:
    """Reply to each request in a separate task, at most `CONCURRENCY_MAX` at a time."""

    def __init__(self, repo: ContextRepo, telemetry: Telemetry) -> None:
        self._repo = repo
        self._telemetry = telemetry
        self._answered = telemetry.counter(table.REQUESTS)
        self._duration_s = telemetry.histogram(table.REQUEST_DURATION)
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CONCURRENCY_MAX)

    def reply_directly(
        self, subscriber: LogicSubscriber[Any], endpoint: Endpoint[Any, Any], handler: Any
    ) -> None:
        """Reply to what `subscriber` receives over NATS."""
        names = injected_names(handler)
        self._answered.start([endpoint.subject], table.REPLY.values)

        async def take(msg: Msg) -> None:
            await self._slots.acquire()
            task = asyncio.create_task(self._reply(endpoint, handler, names, msg))
            self._tasks.add(task)
            task.add_done_callback(self._done)

        subscriber.consume = take  # type: ignore[method-assign]

    async def finish(self) -> None:
        """Wait for the replies in progress, at most `FINISH_TIMEOUT_S`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FINISH_TIMEOUT_S)

    def _collaborators(self, names: Sequence[str]) -> dict[str, Any]:
        collaborators = {name: self._repo.get(name) for name in names}
        if missing := [
            name for name, collaborator in collaborators.items() if collaborator is None
        ]:
            raise LookupError(f"the context holds no {missing[0]!r}")
        return collaborators

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()

    async def _reply(
        self, endpoint: Endpoint[Any, Any], handler: Any, names: Sequence[str], msg: Msg
    ) -> None:
        headers: dict[str, str] = {}
        started = time.perf_counter()
        with self._telemetry.request_span(f"reply {endpoint.subject}", msg.headers or {}) as span:
            try:
                request = endpoint.request.model_validate_json(msg.data)
                reply = await handler(request, **self._collaborators(names))
                body = reply.model_dump_json().encode()
            except Exception as error:
                record_failure(span, error)
                headers, text = failure_reply(error)
                body = text.encode()
                if headers.get(REASON_HEADER) == BUG:
                    log.exception("a request on %s failed", endpoint.subject)
            # within the span, which is then the example of its bucket
            self._duration_s.record(time.perf_counter() - started, endpoint.subject)
        self._answered.add(1, endpoint.subject, _outcome(headers))
        try:
            await msg._client.publish(msg.reply, body, headers=headers or None)
        except nats.errors.Error as error:
            log.warning("a reply on %s was lost: %r", endpoint.subject, error)


def _outcome(headers: Mapping[str, str]) -> str:
    """Return the kind of failure that a reply carries, or "ok"."""
    return BUG if headers.get(REASON_HEADER) == BUG else headers.get(FAILURE_HEADER, "ok")
