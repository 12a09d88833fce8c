"""Connect a command to a running system."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client as Nats
from nats.js import JetStreamContext

from daydream_contracts.events import Message
from daydream_contracts.grants import CONSOLE
from daydream_contracts.topology import route_of
from daydream_runtime.comma_list import split_list
from daydream_runtime.nats_connection import open_connection
from daydream_runtime.nats_login import login_from
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.publish_retry import retry_while_in_process
from daydream_runtime.rpc import RpcClient

JETSTREAM_TIMEOUT_S = 10


@dataclass(frozen=True)
class Client:
    """A connection, and its address for programs that a command starts."""

    nc: Nats
    js: JetStreamContext
    rpc: RpcClient
    address: NatsAddress = field(repr=False)

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


def address_of(urls: str) -> NatsAddress:
    """Return the address of servers with the keys that the environment names for the console."""
    return NatsAddress.of(split_list(urls), login_from(os.environ, CONSOLE))


@asynccontextmanager
async def connected(where: NatsAddress | str) -> AsyncIterator[Client]:
    """Connect to NATS. For a text of URLs the environment names the keys, as for the console.

    Raise ConfigurationError if there is no answer, or the connection is refused.
    """
    address = address_of(where) if isinstance(where, str) else where
    nc = await open_connection(address)
    try:
        yield Client(nc, nc.jetstream(timeout=JETSTREAM_TIMEOUT_S), RpcClient(nc), address)
    finally:
        with contextlib.suppress(nats.errors.Error, OSError):  # the system may have stopped first
            await nc.close()
