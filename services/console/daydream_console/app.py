"""Build the console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.routing import Mount

from daydream_console.settings import ConsoleSettings
from daydream_console.web.app import web_app
from daydream_console.web.event_fanout import EventFanout
from daydream_console.web.services import WebServices
from daydream_runtime.rpc import RpcClient
from daydream_runtime.service import Runtime, ServiceDefinition

ANSWER_TIMEOUT_S = 5.0


@asynccontextmanager
async def build(runtime: Runtime, settings: ConsoleSettings) -> AsyncIterator[ServiceDefinition]:
    """Build the console: a web application over the running system."""
    events = EventFanout()
    await events.follow(runtime.nc)
    services = WebServices(
        rpc=RpcClient(runtime.nc, patience_s=ANSWER_TIMEOUT_S),
        js=runtime.js,
        events=events,
        publish=runtime.publish,
        stopping=runtime.stopping,
        token=settings.token.get_secret_value(),
    )
    yield ServiceDefinition(routes=[Mount("/", app=web_app(services))])
