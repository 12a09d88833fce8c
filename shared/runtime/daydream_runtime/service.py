"""Give a service what it opens its collaborators with: one connection and what hangs on it.

See `application` for how a service is built. `ServiceDefinition` and `run` are the old way: they
adapt a service that was not converted yet, and go when the last one is.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.kv import KeyValue
from starlette.routing import BaseRoute

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import Message
from daydream_contracts.rpc import ReleaseReservation
from daydream_contracts.topology import BUDGET_RELEASE, Bucket, Endpoint
from daydream_runtime.lifecycle import Lifecycle
from daydream_runtime.publisher import PUBLISH_TIMEOUT_S, EventPublisher
from daydream_runtime.rpc import RpcClient
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.telemetry import Telemetry

Handler = Callable[[Any], Awaitable[Sequence[Message]]]
Answer = Callable[[Any], Awaitable[Any]]
Loop = Callable[[], Coroutine[Any, Any, None]]


class Runtime:
    """Hold the connection of one service, and what collaborators need from the process."""

    def __init__(
        self,
        settings: ServiceSettings,
        nc: Client,
        telemetry: Telemetry,
        publisher: EventPublisher,
        lifecycle: Lifecycle,
    ) -> None:
        self.settings = settings
        self.nc = nc
        self.js: JetStreamContext = nc.jetstream(timeout=PUBLISH_TIMEOUT_S)
        self.telemetry = telemetry
        self.rpc = self.ask = RpcClient(nc)
        self.publish = publisher.publish
        self.stopping = lifecycle.stopping
        self.restart = lifecycle.restart
        self.pause = lifecycle.pause

    async def bucket(self, bucket: Bucket) -> KeyValue:
        """Open one of the table's key-value buckets."""
        return await self.js.key_value(bucket.name)


@dataclass(frozen=True)
class ServiceDefinition:
    """The parts of a service that was not converted yet."""

    handlers: Mapping[type[Message], Handler] = field(default_factory=dict)
    endpoints: Mapping[Endpoint[Any, Any], Answer] = field(default_factory=dict)
    loops: Sequence[Loop] = ()
    routes: Sequence[BaseRoute] = ()
    concurrency: int = 1


Build = Callable[[Runtime, Any], AbstractAsyncContextManager[ServiceDefinition]]


def run(settings_class: type[ServiceSettings], build: Build) -> None:
    """Run a service that was not converted yet."""
    from daydream_runtime import process  # noqa: PLC0415 (goes with this adapter)
    from daydream_runtime.application import Collaborators, ServiceApp  # noqa: PLC0415

    def adapted(settings: ServiceSettings) -> ServiceApp:
        @asynccontextmanager
        async def opened(runtime: Runtime) -> AsyncIterator[Collaborators]:
            async with build(runtime, settings) as parts:
                consumers = {
                    message: _consume(message, handler, runtime)
                    for message, handler in parts.handlers.items()
                }
                endpoints = {
                    endpoint: _answer(endpoint, answer)
                    for endpoint, answer in parts.endpoints.items()
                }
                app.register(consumers, endpoints, parts.concurrency)
                hook = partial(_release, runtime)
                yield Collaborators({}, parts.loops, parts.routes, hook)

        app = ServiceApp(settings, opened)
        return app

    process.run(settings_class, adapted)


def _consume(message: type[Message], handler: Handler, runtime: Runtime) -> Any:
    async def consume(event: Any) -> None:
        for result in await handler(event):
            await runtime.publish(result)

    consume.__annotations__ = {"event": message, "return": None}
    return consume


def _answer(endpoint: Endpoint[Any, Any], answer: Answer) -> Any:
    async def reply(question: Any) -> Any:
        return await answer(question)

    reply.__annotations__ = {"question": endpoint.question, "return": endpoint.answer}
    return reply


async def _release(runtime: Runtime, event: Message) -> None:
    if event.payer is None:
        return
    question = ReleaseReservation(
        reservation_id=event.payer.reservation_id, branch=event.payer.branch
    )
    with contextlib.suppress(RetryLaterError):  # the reservation stays open until it expires
        await runtime.rpc.request(BUDGET_RELEASE, question)
