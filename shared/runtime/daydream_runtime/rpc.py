"""Questions over core NATS with typed answers.

A server answers each question in a task of its own, at most `CONCURRENCY_MAX` at a time, in a queue group, so that
replicas share the load. A question that can't be answered gets its failure back and raises the same kind at the asker.
An asker repeats the same question (which endpoints must allow) until it is answered or its patience ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_contracts.topology import A, Endpoint, Q

log = logging.getLogger(__name__)
CONCURRENCY_MAX = 1024
TRY_S = 2.0
FAILURE_HEADER = "Daydream-Failure"
REASON_HEADER = "Daydream-Reason"


class RpcClient:
    """Asks endpoints over one connection."""

    def __init__(self, nc: Client, *, patience_s: float = 20.0) -> None:
        self._nc = nc
        self._patience_s = patience_s

    async def request(
        self,
        endpoint: Endpoint[Q, A],
        question: Q,
        *,
        patience_s: float | None = None,
        try_s: float = TRY_S,
    ) -> A:
        """Return the answer.

        Raise RetryLaterError if no server answers within `patience_s`, or the failure that the server
        answered with.
        """
        body = question.model_dump_json().encode()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self._patience_s if patience_s is None else patience_s)
        pause_s = 0.02
        while True:
            try:
                reply = await self._nc.request(endpoint.subject, body, timeout=try_s)
                return _read(endpoint, reply)
            except (nats.errors.Error, ConnectionError, TimeoutError) as error:
                if loop.time() + pause_s > deadline:
                    raise RetryLaterError(
                        f"{endpoint.service} does not answer on {endpoint.subject}: {type(error).__name__}"
                    ) from error
            await asyncio.sleep(pause_s)
            pause_s = min(1.0, pause_s * 2)

    __call__ = request  # until every caller says `request`


def _read(endpoint: Endpoint[Q, A], reply: Msg) -> A:
    headers = reply.headers or {}
    text = reply.data.decode(errors="replace")
    match headers.get(FAILURE_HEADER):
        case None:
            return endpoint.answer.model_validate_json(reply.data)
        case "not-now":
            raise RetryLaterError(text)
        case "transient":
            raise TransientError(text)
        case _:
            raise PermanentError(headers.get(REASON_HEADER, "refused"), text)


class RpcServer:
    """Answers endpoints over one connection."""

    def __init__(self, nc: Client) -> None:
        self._nc = nc
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriptions: list[Subscription] = []
        self._slots = asyncio.Semaphore(CONCURRENCY_MAX)

    async def serve(self, endpoint: Endpoint[Q, A], answer: Callable[[Q], Awaitable[A]]) -> None:
        """Answer this endpoint's questions from now on."""

        async def take(message: Msg) -> None:
            await self._slots.acquire()
            task = asyncio.create_task(self._reply(endpoint, answer, message))
            self._tasks.add(task)
            task.add_done_callback(self._done)

        self._subscriptions.append(
            await self._nc.subscribe(endpoint.subject, queue=endpoint.service, cb=take)
        )

    async def stop(self) -> None:
        """Take no more questions and answer those in hand."""
        for subscription in self._subscriptions:
            await subscription.unsubscribe()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.release()

    async def _reply(
        self, endpoint: Endpoint[Any, Any], answer: Callable[[Any], Awaitable[Any]], message: Msg
    ) -> None:
        headers: dict[str, str] | None = None
        try:
            body = (
                (await answer(endpoint.question.model_validate_json(message.data)))
                .model_dump_json()
                .encode()
            )
        except (RetryLaterError, nats.errors.Error, TimeoutError) as failure:
            headers, body = {FAILURE_HEADER: "not-now"}, str(failure).encode()
        except TransientError as failure:
            headers, body = {FAILURE_HEADER: "transient"}, str(failure).encode()
        except PermanentError as failure:
            headers, body = (
                {FAILURE_HEADER: "permanent", REASON_HEADER: failure.reason},
                str(failure).encode(),
            )
        except Exception as error:
            log.exception("a question on %s could not be answered", endpoint.subject)
            headers, body = (
                {FAILURE_HEADER: "permanent", REASON_HEADER: "bug"},
                f"{type(error).__name__}: {error}".encode(),
            )
        try:
            await self._nc.publish(message.reply, body, headers=headers)
        except nats.errors.Error as error:
            log.warning(
                "an answer on %s was lost, it will be asked again: %r", endpoint.subject, error
            )
