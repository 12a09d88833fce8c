"""Run a handler as the synthesizer's stage on a real server, as a service registers it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.js import JetStreamContext

from daydream_contracts.buckets import DELIVERY_COUNTS
from daydream_contracts.events import (
    Message,
    PairSampled,
    Payer,
)
from daydream_contracts.topology import CONSUMERS, route_of
from daydream_runtime.jetstream_objects import consumer_config
from daydream_runtime.middleware import DeliveryMiddleware
from daydream_runtime.provisioning import provision
from daydream_runtime.registration import Handler, consumer_router
from daydream_runtime.telemetry import start_telemetry
from daydream_runtime.tracing import TracingMiddleware
from support.polling import eventually

SYNTHESIZER = next(row for row in CONSUMERS if row.message is PairSampled)
StageOf = Callable[..., AbstractAsyncContextManager["Stage"]]


@dataclass
class Stage:
    """A stage under test: what it was given, and what it released."""

    js: JetStreamContext
    released: list[Payer | None] = field(default_factory=list)

    async def release(self, event: Message) -> None:
        self.released.append(event.payer)

    async def put(self, *pairs: PairSampled) -> None:
        for pair in pairs:
            await self.js.publish(
                route_of(PairSampled).subject,
                pair.model_dump_json().encode(),
                headers={"Nats-Msg-Id": pair.message_id},
            )

    async def empty(self) -> bool:
        """Return True if everything was delivered and settled.

        The consumer learns of a new message a moment after its publisher does.
        """
        last = (await self.js.stream_info("PAIRS")).state.last_seq
        info = await self.js.consumer_info("PAIRS", SYNTHESIZER.durable)
        assert info.delivered
        return (
            info.delivered.stream_seq >= last and not info.num_pending and not info.num_ack_pending
        )

    async def until(
        self, condition: Callable[[], Awaitable[bool] | bool], patience_s: float = 15
    ) -> None:
        await eventually(condition, patience_s)

    async def dead(self) -> list[tuple[str, bytes, dict[str, str]]]:
        count = (await self.js.stream_info("DEADLETTERS")).state.messages
        letters = [
            await self.js.get_msg("DEADLETTERS", seq=number) for number in range(1, count + 1)
        ]
        return [
            (str(letter.subject), letter.data or b"", dict(letter.headers or {}))
            for letter in letters
        ]


@asynccontextmanager
async def running_stage(
    url: str,
    nc: Client,
    handler: Handler,
    *,
    concurrency: int = 1,
    ack_wait_s: float = 10,
    heartbeat_s: float = 3,
) -> AsyncIterator[Stage]:
    """Register the handler as the synthesizer's, with the real middleware."""
    await provision(nc, replicas=1)
    js = nc.jetstream()
    config = consumer_config(SYNTHESIZER)
    config.ack_wait = ack_wait_s
    await js.add_consumer("PAIRS", config)
    stage = Stage(js)
    telemetry = start_telemetry("synthesizer", "test")
    broker = NatsBroker(
        url,
        logger=logging.getLogger("faststream"),
        log_level=logging.DEBUG,
        graceful_timeout=5,
        middlewares=[partial(TracingMiddleware, telemetry)],
    )
    await broker.connect()
    delivery = DeliveryMiddleware(telemetry, heartbeat_s=heartbeat_s)
    delivery.connect(js, await js.key_value(DELIVERY_COUNTS.name), stage.release)
    broker.include_router(consumer_router({SYNTHESIZER: handler}, delivery, concurrency))
    await broker.start()
    yield stage
    await broker.stop()
    telemetry.close()
