"""Connect a command to a running system."""

from __future__ import annotations

import asyncio
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
from daydream_runtime.nats_url import (
    PING_S,
    PINGS_UNANSWERED_MAX,
    NatsAddress,
    refused,
    unreachable,
)
from daydream_runtime.publish_retry import retry_while_in_process
from daydream_runtime.rpc import RpcClient

CONNECT_TIMEOUT_S = 5
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
    nc, address = Nats(), NatsAddress.of(split_list(nats_url))
    refusals: list[Exception] = []

    async def on_error(error: Exception) -> None:
        """Stop connecting on a refusal, which the client would retry for ever.

        Other errors surface in the call.
        """
        if refused(error):
            refusals.append(error)
            connecting.cancel()

    # The first try must fail in time. Once connected, the system may restart its NATS, so reconnect
    # for ever.
    connecting = asyncio.ensure_future(
        nc.connect(
            **address.options(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=PING_S,
            max_outstanding_pings=PINGS_UNANSWERED_MAX,
            error_cb=on_error,
        )
    )
    try:
        await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
    except (nats.errors.Error, OSError, TimeoutError, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and not refusals:
            raise
        raise unreachable(address, refusals[0] if refusals else error) from None
    try:
        yield Client(nc, nc.jetstream(timeout=JETSTREAM_TIMEOUT_S), RpcClient(nc), nats_url)
    finally:
        with contextlib.suppress(nats.errors.Error, OSError):  # the system may have stopped first
            await nc.close()
