"""Build a service as a FastStream application.

`faststream run daydream_x.app:create --factory` runs it, and TestNatsBroker tests it: build it
with a concurrency of 1 (in memory, n registrations handle a message n times), put fakes into
`app.context`, and enter `TestNatsBroker(app.broker)`. In production `process.run` runs it.

How to write or convert a service:

1. `handlers.py`: module-level handlers and endpoints, `async def pair_sampled(pair: PairSampled,
   synthesizer: Annotated[Synthesizer, FromContext()]) -> …` (see `registration`). The parameter's
   name is the name in the context. No parameter begins with an
   underscore, and no collaborator has the name of a field of its message.
2. `app.py`: `build(settings) -> ServiceApp` names the handlers of each message and endpoint.
   `create() -> ServiceApp` is `build(Settings.read())`. An async context manager opens the
   collaborators on a `Runtime` and yields `Collaborators`: the context's entries by name,
   background loops, HTTP routes, and `on_dead_letter`.
3. `__main__.py`: `process.run(Settings, build)`.

Start: connect (wait for NATS) → wait for the streams → open collaborators → subscribe → loops →
ready.
Stop: unready → loops end → no new messages; work in progress ends or is returned → endpoints end →
collaborators close → the connection drains.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import Any

from faststream import ContextRepo
from faststream.asgi import AsgiFastStream
from faststream.asgi.types import Receive, Scope, Send
from faststream.nats import NatsBroker, NatsRouter
from faststream.specification import AsyncAPI
from nats.aio.client import Client
from starlette.routing import BaseRoute

from daydream_contracts.buckets import DELIVERY_COUNTS, SETTINGS
from daydream_contracts.metrics import service as table
from daydream_runtime.broker import connect, make_broker
from daydream_runtime.consumer_watch import missing_consumer, watch_consumers
from daydream_runtime.endpoint_server import EndpointServer
from daydream_runtime.health import web_app
from daydream_runtime.lifecycle import Lifecycle
from daydream_runtime.middleware import DeliveryMiddleware, OnDeadLetter
from daydream_runtime.provisioning import wait_for
from daydream_runtime.publisher import EventPublisher
from daydream_runtime.registration import (
    ConsumerHandlers,
    EndpointHandlers,
    consumer_router,
    consumers_of,
    document_publishers,
    endpoint_router,
)
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.settings_report import publish_settings
from daydream_runtime.telemetry import start_telemetry
from daydream_runtime.tracing import TracingMiddleware

log = logging.getLogger(__name__)
CANCEL_AGAIN_S = 0.5
Loop = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Collaborators:
    """Hold what a service opens at its start.

    context: handlers' parameters by name. loops: run from the first message to the stop; if one
    fails, the service ends. routes: HTTP routes besides health and metrics. not_ready: says what
    else is missing for `/readyz`, or None.
    """

    context: Mapping[str, object] = field(default_factory=dict)
    loops: Sequence[Loop] = ()
    routes: Sequence[BaseRoute] = ()
    on_dead_letter: OnDeadLetter | None = None
    not_ready: Callable[[], str | None] = lambda: None


OpenCollaborators = Callable[[Runtime], AbstractAsyncContextManager[Collaborators]]


class ServiceApp(AsgiFastStream):
    """One service. It connects to nothing before it is started."""

    def __init__(
        self,
        settings: ServiceSettings,
        open_collaborators: OpenCollaborators,
        *,
        consumers: ConsumerHandlers | None = None,
        endpoints: EndpointHandlers | None = None,
        concurrency: int = 1,
    ) -> None:
        self.settings = settings
        self.lifecycle = Lifecycle()
        self.telemetry = start_telemetry(settings.service, settings.instance)
        registry = self.telemetry.registry if settings.metrics_port is None else None
        self.web = web_app(registry, self.not_ready, settings.http_host)
        self.nats: NatsBroker = make_broker(
            settings, self.lifecycle.connection_closed, [partial(TracingMiddleware, self.telemetry)]
        )
        self._open = open_collaborators
        repo = ContextRepo()
        self._delivery = DeliveryMiddleware(self.telemetry)
        self._endpoint_server = EndpointServer(repo, self.telemetry)
        self.register(consumers or {}, endpoints or {}, concurrency)
        self._nc: Client | None = None
        self._observe()
        self._stack = AsyncExitStack()
        self._loops: list[Loop] = []
        self._missing: Callable[[], str | None] = lambda: None
        self._tasks: list[asyncio.Task[None]] = []
        super().__init__(
            self.nats,
            context=repo,
            logger=None,  # its lines are not JSON; the lifecycle logs its own
            lifespan=self._lifespan,
            after_startup=[self._start_loops],
            on_shutdown=[self._end_work],
            specification=AsyncAPI(
                title=f"daydream {settings.service}",
                version=version("daydream-runtime"),
                schema_version="3.0.0",
            ),
        )
        self.context.set_global("publisher", EventPublisher(self.nats))

    def register(
        self, consumers: ConsumerHandlers, endpoints: EndpointHandlers, concurrency: int
    ) -> None:
        """Subscribe the handlers. They receive messages from the start of the broker on."""
        self._rows = consumers_of(self.settings.service, consumers)
        inbox = self.settings.nats_address.login.inbox
        self._consumers = consumer_router(self._rows, self._delivery, concurrency, inbox)
        self._endpoints = endpoint_router(endpoints, self._endpoint_server)
        self.nats.include_routers(self._consumers, self._endpoints)
        for consumer in self._rows:
            self._delivery.metrics.start(consumer.route.subject)
        document_publishers(self.nats, self.settings.service, self._rows)

    def _observe(self) -> None:
        """Expose whether the service is connected and works."""
        gauge, lifecycle = self.telemetry.gauge, self.lifecycle
        gauge(table.READY, lambda: [(int(lifecycle.ready and not lifecycle.stopping.is_set()), ())])
        gauge(
            table.NATS_CONNECTED,
            lambda: [(int(self._nc is not None and self._nc.is_connected), ())],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve HTTP with Starlette: FastStream's own routes match exact paths only."""
        if scope["type"] == "http":
            await self.web(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def not_ready(self) -> str | None:
        """Return what is missing, or None. FastStream's ping checks the connection alone."""
        if self.lifecycle.stopping.is_set():
            return "stopping"
        if not self.lifecycle.ready:
            return "starting, or waiting for NATS"
        return self._missing() or await missing_consumer(self.nats, self._rows)

    @asynccontextmanager
    async def _lifespan(self) -> AsyncIterator[None]:
        self._nc = await connect(self.nats, self.settings)
        runtime = Runtime(
            self.settings,
            self._nc,
            self.telemetry,
            EventPublisher(self.nats),
            self.lifecycle,
        )
        await wait_for(runtime.nc, self.lifecycle.pause)
        try:
            collaborators = await self._stack.enter_async_context(self._open(runtime))
            await publish_settings(await runtime.bucket(SETTINGS), self.settings)
            counts = await runtime.bucket(DELIVERY_COUNTS)
            self._delivery.connect(runtime.js, counts, collaborators.on_dead_letter)
            for name, collaborator in collaborators.context.items():
                self.context.set_global(name, collaborator)
            self.web.router.routes.extend(collaborators.routes)
            self._missing = collaborators.not_ready
            watch = partial(watch_consumers, runtime.js, self._rows, self.lifecycle)
            self._loops = [*collaborators.loops, watch]
            yield
        finally:
            await self._stack.aclose()

    async def _start_loops(self) -> None:
        for loop in self._loops:
            task = asyncio.create_task(loop())
            task.add_done_callback(self._loop_ended)
            self._tasks.append(task)
        self.lifecycle.ready = True
        log.info("ready")

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.lifecycle.fail(error)

    async def _end_work(self) -> None:
        """Bring everything in order while the connection still works; FastStream drains it next."""
        self.lifecycle.stop()
        log.info("stopping")
        await end_tasks(self._tasks)
        await _stop_subscribers(self._consumers)
        await self._delivery.finish()
        await _stop_subscribers(self._endpoints)
        await self._endpoint_server.finish()
        await self._stack.aclose()


async def end_tasks(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended, whatever they end with.

    One cancellation is not enough: nats-py swallows one that comes during a flush, and a task group
    loses one whose tasks fail meanwhile.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_subscribers(router: NatsRouter) -> None:
    stops = (subscriber.stop() for subscriber in router.subscribers)
    await asyncio.gather(*stops, return_exceptions=True)
