"""The command's connection to a running system."""

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
from daydream_runtime.nats_url import NatsAddress, refused, unreachable
from daydream_runtime.rpc import RpcClient
from daydream_runtime.settings import split_list

CONNECT_S = 5


@dataclass(frozen=True)
class Client:
    """What commands ask and tell with. `nats_url`: with its secret, for programs that they start."""

    nc: Nats
    js: JetStreamContext
    ask: RpcClient
    nats_url: str = field(repr=False)

    async def publish(self, message: Message) -> int:
        """Publish an event under its own id. Gives its place in the stream, also when it was there already."""
        flow = route_of(type(message))
        ack = await self.js.publish(
            flow.subject,
            message.model_dump_json().encode(),
            headers={"Nats-Msg-Id": message.message_id},
            stream=flow.stream,
        )
        return ack.seq


@asynccontextmanager
async def connected(nats_url: str) -> AsyncIterator[Client]:
    """A connection; ConfigurationError when nobody answers there."""
    nc, address = Nats(), NatsAddress.of(split_list(nats_url))
    not_taken: list[Exception] = []

    async def listen(error: Exception) -> None:
        """What matters is raised where it happens, but for a refusal: the client would try again and again."""
        if refused(error):
            not_taken.append(error)
            connecting.cancel()

    # the first try must fail in time; once connected, the system may restart its NATS under us
    connecting = asyncio.ensure_future(
        nc.connect(
            **address.options(), max_reconnect_attempts=-1, reconnect_time_wait=1, error_cb=listen
        )
    )
    try:
        await asyncio.wait_for(connecting, CONNECT_S)
    except (nats.errors.Error, OSError, TimeoutError, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and not not_taken:
            raise
        raise unreachable(address, not_taken[0] if not_taken else error) from None
    try:
        yield Client(nc, nc.jetstream(timeout=10), RpcClient(nc), nats_url)
    finally:
        with contextlib.suppress(
            nats.errors.Error, OSError
        ):  # the system may have stopped under us
            await nc.close()
