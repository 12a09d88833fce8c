"""Puts the console together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_console.live import EventFanout
from daydream_console.settings import ConsoleSettings
from daydream_console.web import routes
from daydream_runtime.rpc import RpcClient
from daydream_runtime.service import Runtime, ServiceDefinition

PATIENCE_S = 5.0


@asynccontextmanager
async def build(runtime: Runtime, settings: ConsoleSettings) -> AsyncIterator[ServiceDefinition]:
    """The console: a page over the running system."""
    live = EventFanout()
    await live.follow(runtime.nc)
    yield ServiceDefinition(
        routes=routes(
            RpcClient(runtime.nc, patience_s=PATIENCE_S),
            runtime.js,
            live,
            runtime.publish,
            runtime.stopping,
            settings.token.get_secret_value(),
        )
    )
