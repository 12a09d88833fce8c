"""Puts the console together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_console.live import Live
from daydream_console.settings import Settings
from daydream_console.web import routes
from daydream_shared.rpc import Asker
from daydream_shared.runtime import Parts, Runtime

PATIENCE_S = 5.0


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The console: a page over the running system."""
    live = Live()
    await live.follow(runtime.nc)
    yield Parts(routes=routes(Asker(runtime.nc, patience_s=PATIENCE_S), runtime.js, live, runtime.publish, runtime.stopping, settings.token.get_secret_value()))
