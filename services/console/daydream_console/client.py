"""Connect a command to a running system."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client as Nats
from nats.js import JetStreamContext

from daydream_contracts.events import Message
from daydream_contracts.topology import route_of
from daydream_runtime.comma_list import split_list
from daydream_runtime.nats_connection import open_connection
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.publish_retry import retry_while_in_process
from daydream_runtime.rpc import RpcClient

JETSTREAM_TIMEOUT_S = 10


@dataclass(frozen=True)
class Client:
    """A connection. `nats_url` contains the secret; it is for programs that a command starts."""

    nc: Nats
    js: JetStreamContext
    rpc: RpcClient
    nats_url: str = field(repr=False)

    @retry_while_in_process
    async def publish(self, message: Message) -> int:
        """Publish an event under its own id.

        Return its sequence in the stream, also if it was there already.
        """
        route = route_of(type(message))
        ack = await self.js.publish(
            route.subject,
            message.model_dump_json().encode(),
            headers={"Nats-Msg-Id": message.message_id},
            stream=route.stream,
        )
        return ack.seq


@asynccontextmanager
async def connected(nats_url: str) -> AsyncIterator[Client]:
    """Connect to NATS.

    Raise ConfigurationError if there is no answer, or the connection is refused.
    """
    nc = await open_connection(NatsAddress.of(split_list(nats_url)))
    try:
        yield Client(nc, nc.jetstream(timeout=JETSTREAM_TIMEOUT_S), RpcClient(nc), nats_url)
    finally:
        with contextlib.suppress(nats.errors.Error, OSError):  # the system may have stopped first
            await nc.close()
