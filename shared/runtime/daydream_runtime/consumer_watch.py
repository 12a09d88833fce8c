"""Check that a service's durable consumers exist, and create a deleted one again.

Without its durable, FastStream's pull loop spins at full speed while the connection is healthy.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable

import nats.errors
from faststream.nats import NatsBroker
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from daydream_contracts.topology import Consumer
from daydream_runtime.jetstream_objects import ensure_consumer
from daydream_runtime.lifecycle import Lifecycle
from daydream_runtime.nats_client import NatsClient

log = logging.getLogger(__name__)
WATCH_S = 5.0
INFO_TIMEOUT_S = 2.0


async def missing_consumer(broker: NatsBroker, consumers: Iterable[Consumer]) -> str | None:
    """Return what keeps the service from receiving messages, or None."""
    connection = broker._connection
    if connection is None or not connection.is_connected:
        return "not connected to NATS"
    if isinstance(connection, NatsClient) and (refusal := connection.refusal()):
        return str(refusal)
    js = connection.jetstream()
    try:
        for consumer in consumers:
            await js.consumer_info(consumer.route.stream, consumer.durable, timeout=INFO_TIMEOUT_S)
    except (NotFoundError, nats.errors.Error, TimeoutError) as error:
        return f"consumer is missing: {error!r}"
    return None


async def watch_consumers(
    js: JetStreamContext, consumers: Iterable[Consumer], lifecycle: Lifecycle
) -> None:
    """Create deleted durables again, every `WATCH_S` until the stop."""
    while not lifecycle.stopping.is_set():
        await lifecycle.pause(WATCH_S)
        for consumer in consumers:
            try:
                await js.consumer_info(consumer.route.stream, consumer.durable)
            except NotFoundError:
                log.error("consumer %s was deleted and is created again", consumer.durable)
                with contextlib.suppress(nats.errors.Error):
                    await ensure_consumer(js, consumer)
            except (nats.errors.Error, TimeoutError):
                pass  # the server is away; readiness reports it
