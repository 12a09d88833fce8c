"""Runs a service: connection, streams, consumers, endpoints, health, and an orderly stop. The same for all services.

States: starting → ready → stopping → stopped (exit 0)
                     └── connection closed for good (exit 75, so that it is restarted)
A wrong setting ends it before anything is spent, with one line and exit code 2.

Concurrency of n is n pull subscribers of one message each on the same durable: exact, no prefetch, no head-of-line
blocking (`max_workers` prefetches and runs paid calls twice; a batch waits for its slowest).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import nats.errors
from faststream.middlewares import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError
from nats.js.kv import KeyValue
from opentelemetry.trace import SpanKind
from starlette.routing import BaseRoute

from daydream_contracts.errors import ConfigurationError, RetryLaterError
from daydream_contracts.events import Message, Payer
from daydream_contracts.rpc import ReleaseReservation
from daydream_contracts.topology import (
    BUDGET_RELEASE,
    CONSUMERS,
    DELIVERY_COUNTS,
    Bucket,
    Consumer,
    Endpoint,
    route_of,
)
from daydream_runtime.broker import connect, make_broker
from daydream_runtime.health import WebServer, bind, web_app
from daydream_runtime.middleware import DeliveryMiddleware
from daydream_runtime.provisioning import ensure_consumer, provision
from daydream_runtime.rpc import RpcClient, RpcServer
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.telemetry import Telemetry, start_logging, start_telemetry, trace_headers
from daydream_runtime.unknown_settings import unknown_settings

log = logging.getLogger(__name__)
EXIT_OK, EXIT_SETTING, EXIT_RESTART = 0, 2, 75
PUBLISH_TIMEOUT_S = 5.0
PULL_S = 5.0
WATCH_S = 5.0

Handler = Callable[[Any], Awaitable[Sequence[Message]]]
Answer = Callable[[Any], Awaitable[Any]]
Loop = Callable[[], Coroutine[Any, Any, None]]
S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True)
class ServiceDefinition:
    """What a service consists of. `handlers` take a message and return what has happened because of it."""

    handlers: Mapping[type[Message], Handler] = field(default_factory=dict)
    endpoints: Mapping[Endpoint[Any, Any], Answer] = field(default_factory=dict)
    loops: Sequence[Loop] = ()
    routes: Sequence[BaseRoute] = ()
    concurrency: int = 1


class Runtime:
    """What a service gets to make its parts with: one connection and what hangs on it."""

    def __init__(self, settings: ServiceSettings, nc: Client, life: Lifecycle) -> None:
        self.settings = settings
        self.nc = nc
        self.js: JetStreamContext = nc.jetstream(timeout=PUBLISH_TIMEOUT_S)
        self.telemetry: Telemetry = life.telemetry
        self.ask = RpcClient(nc)
        self.stopping = life.stopping
        self.restart = life.restart
        self._broker = life.broker

    async def bucket(self, bucket: Bucket) -> KeyValue:
        """One of the table's key-value buckets."""
        return await self.js.key_value(bucket.name)

    async def publish(self, message: Message) -> None:
        """Publish an event on its subject under its own id. Raises the broker's error when the stage there is full."""
        flow = route_of(type(message))
        with self.telemetry.span(
            f"publish {flow.subject}",
            SpanKind.PRODUCER,
            messaging__system="nats",
            messaging__operation__name="publish",
            messaging__operation__type="send",
            messaging__destination__name=flow.subject,
            messaging__message__id=message.message_id,
        ):
            await self._broker.publish(
                message.model_dump_json().encode(),
                flow.subject,
                stream=flow.stream,
                timeout=PUBLISH_TIMEOUT_S,
                headers={
                    "Nats-Msg-Id": message.message_id,
                    "content-type": "application/json",
                    **trace_headers(),
                },
            )

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


Build = Callable[[Runtime, Any], AbstractAsyncContextManager[ServiceDefinition]]


def run(settings_class: type[ServiceSettings], build: Build) -> None:
    """Run a service until SIGTERM or SIGINT, and exit the process with its code."""
    try:
        settings = settings_class.read()
        code = asyncio.run(serve(settings, build))
    except ConfigurationError as wrong:
        print(f"daydream {settings_class.service}: {wrong.what}. {wrong.fix}", file=sys.stderr)
        code = EXIT_SETTING
    sys.exit(code)


async def serve(settings: ServiceSettings, build: Build) -> int:
    """Run a service in this loop; the exit code. It answers on its health port and obeys a stop from the first moment on,
    also while it still waits for NATS."""
    start_logging(settings.service, settings.instance, settings.log_level)
    life = Lifecycle(settings)
    web = WebServer(
        web_app(life.telemetry.registry, life.not_ready, settings.http_host),
        bind(settings.http_host, settings.http_port),
    )
    web.start()
    log.info("starting", extra={"http": web.address})
    for mistake in unknown_settings([type(settings)], os.environ):
        log.warning("%s", mistake)
    work = asyncio.create_task(_work(life, web, build))
    life.obey_signals(work)
    try:
        await work
    except asyncio.CancelledError:
        log.info("stopped before it was ready")
    finally:
        life.stopping.set()
        with contextlib.suppress(Exception):  # the connection may be what ended the service
            await asyncio.wait_for(life.broker.stop(), settings.stop_timeout_s + 5)
        await web.stop()
        await asyncio.to_thread(life.telemetry.close)
    return life.code


async def _work(life: Lifecycle, web: WebServer, build: Build) -> None:
    runtime = Runtime(life.settings, await connect(life.broker, life.settings), life)
    await _provision(runtime)
    async with build(runtime, life.settings) as parts:
        web.add(parts.routes)
        await _live(runtime, life, parts)


async def _live(runtime: Runtime, life: Lifecycle, parts: ServiceDefinition) -> None:
    """Serve until the stop. What is in hand ends while all parts are still there: first no new work, then the work in hand."""
    consumers = [
        row
        for row in CONSUMERS
        if row.service == life.settings.service and row.message in parts.handlers
    ]
    delivery = DeliveryMiddleware(
        runtime.js,
        await runtime.bucket(DELIVERY_COUNTS),
        life.telemetry,
        lambda payer: _close(runtime, payer),
    )
    life.broker.add_middleware(delivery)
    for consumer in consumers:
        subscribe(
            life.broker,
            consumer,
            parts.handlers[consumer.message],
            runtime.publish,
            parts.concurrency,
        )
    server = RpcServer(runtime.nc)
    for endpoint, answer in parts.endpoints.items():
        await server.serve(endpoint, answer)
    await life.broker.start()
    loops = [asyncio.create_task(loop()) for loop in parts.loops]
    loops.append(asyncio.create_task(_watch(runtime, consumers)))
    life.check = lambda: _missing(runtime, consumers)
    log.info("ready")
    await _until_stop(life.stopping, loops)
    log.info("stopping")
    for task in loops:
        task.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    await asyncio.gather(
        *(subscriber.stop() for subscriber in life.broker.subscribers), return_exceptions=True
    )
    await delivery.finish()
    with contextlib.suppress(nats.errors.Error):
        await server.stop()


async def _until_stop(stopping: asyncio.Event, loops: Sequence[asyncio.Task[None]]) -> None:
    """Until the stop, or until a loop fails (which is a bug, and fails the service)."""
    stop = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait([stop, *loops], return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    for task in done - {stop}:
        task.result()
    stop.cancel()


def subscribe(
    broker: NatsBroker,
    consumer: Consumer,
    handler: Handler,
    publish: Callable[[Message], Awaitable[None]],
    concurrency: int,
) -> None:
    """Register a handler: what it returns is published before the message is acknowledged, so a failed publish is a
    failed delivery and comes again."""

    async def consume(message: Any) -> None:
        for event in await handler(message):
            await publish(event)

    consume.__annotations__ = {"message": consumer.message, "return": None}
    for _ in range(concurrency):
        broker.subscriber(
            consumer.flow.subject,
            stream=JStream(consumer.flow.stream, declare=False),
            durable=consumer.durable,
            pull_sub=PullSub(batch_size=1, timeout=PULL_S),
            ack_policy=AckPolicy.NACK_ON_ERROR,
        )(consume)


class Lifecycle:
    """What a process has from its first moment to its last: its stop, its exit code, its connection, its readiness."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.code = EXIT_OK
        self.stopping = asyncio.Event()
        self.telemetry = start_telemetry(settings.service, settings.instance)
        self.broker = make_broker(settings, self.closed)
        self.check: Callable[[], Awaitable[str | None]] | None = None

    def obey_signals(self, work: asyncio.Task[None]) -> None:
        """SIGTERM and SIGINT: an orderly stop; before the service is ready there is nothing to bring in order."""

        def stop() -> None:
            self.stopping.set()
            if self.check is None:
                work.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)

    def restart(self, why: str) -> None:
        """End in order, with 75, so that whoever watches the process starts it again."""
        if not self.stopping.is_set():
            log.info("restarting: %s", why)
            self.code = EXIT_RESTART
            self.stopping.set()

    async def closed(self) -> None:
        """The connection is closed for good: end with 75, unless we are stopping anyway."""
        if not self.stopping.is_set():
            log.error("the connection to NATS is closed for good")
            self.code = EXIT_RESTART
            self.stopping.set()

    async def not_ready(self) -> str | None:
        """What is missing, or None."""
        if self.stopping.is_set():
            return "stopping"
        return await self.check() if self.check is not None else "starting, or waiting for NATS"


async def _provision(runtime: Runtime) -> None:
    """Make streams and consumers, waiting for a JetStream that is still starting."""
    while True:
        try:
            return await provision(runtime.nc, replicas=runtime.settings.stream_replicas)
        except (nats.errors.Error, TimeoutError) as error:
            if isinstance(error, APIError) and error.code not in (500, 503):
                raise ConfigurationError(
                    f"NATS refuses a stream: {error.description}",
                    "Check its JetStream settings and permissions",
                ) from None
            log.info("waiting for JetStream: %r", error)
            await runtime.pause(0.5)


async def _close(runtime: Runtime, payer: Payer) -> None:
    try:
        await runtime.ask(
            BUDGET_RELEASE,
            ReleaseReservation(reservation_id=payer.reservation_id, branch=payer.branch),
        )
    except RetryLaterError as late:
        log.warning("a reservation stays open until it expires: %s", late)


async def _missing(runtime: Runtime, consumers: Sequence[Consumer]) -> str | None:
    if not runtime.nc.is_connected:
        return "not connected to NATS"
    try:
        for consumer in consumers:
            await runtime.js.consumer_info(consumer.flow.stream, consumer.durable, timeout=2)
    except (NotFoundError, nats.errors.Error, TimeoutError) as error:
        return f"consumer is missing: {error!r}"
    return None


async def _watch(runtime: Runtime, consumers: Sequence[Consumer]) -> None:
    """Put back a durable that somebody deleted: its pull loops would spin at full speed with health still green."""
    while not runtime.stopping.is_set():
        await runtime.pause(WATCH_S)
        for consumer in consumers:
            try:
                await runtime.js.consumer_info(consumer.flow.stream, consumer.durable)
            except NotFoundError:
                log.error("consumer %s was deleted and is made again", consumer.durable)
                with contextlib.suppress(nats.errors.Error):
                    await ensure_consumer(runtime.js, consumer)
            except (nats.errors.Error, TimeoutError):
                pass  # the server is away; readiness says so
