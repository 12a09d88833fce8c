"""The command's connection to a running system."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import nats.errors
from nats.aio.client import Client as Nats
from nats.js import JetStreamContext

from daydream_shared.failures import WrongSetting
from daydream_shared.messages import Message
from daydream_shared.rpc import Asker
from daydream_shared.subjects import flow_of

CONNECT_S = 5


@dataclass(frozen=True)
class Client:
    """What commands ask and tell with."""

    nc: Nats
    js: JetStreamContext
    ask: Asker

    async def publish(self, message: Message) -> int:
        """Publish an event under its own id. Gives its place in the stream, also when it was there already."""
        flow = flow_of(type(message))
        ack = await self.js.publish(flow.subject, message.model_dump_json().encode(), headers={"Nats-Msg-Id": message.message_id}, stream=flow.stream)
        return ack.seq


@asynccontextmanager
async def connected(nats_url: str) -> AsyncIterator[Client]:
    """A connection; WrongSetting when nobody answers there."""

    async def quiet(_: Exception) -> None:
        """What matters is raised where it happens."""

    nc = Nats()
    try:
        # the first try must fail in time; once connected, the system may restart its NATS under us
        await asyncio.wait_for(nc.connect(nats_url.split(","), max_reconnect_attempts=-1, reconnect_time_wait=1, error_cb=quiet), CONNECT_S)
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise WrongSetting(f"NATS can't be reached at {_without_secret(nats_url)} ({type(error).__name__})", "Start it, or check DAYDREAM_NATS_URL") from None
    try:
        yield Client(nc, nc.jetstream(timeout=10), Asker(nc))
    finally:
        with contextlib.suppress(nats.errors.Error, OSError):  # the system may have stopped under us
            await nc.close()


def _without_secret(url: str) -> str:
    return ",".join(one.rsplit("@", 1)[-1] for one in url.split(","))
