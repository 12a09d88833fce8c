"""Build the console: the only place that opens its real collaborators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.routing import Mount

from daydream_console.settings import ConsoleSettings
from daydream_console.web.app import web_app
from daydream_console.web.dependencies import WebServices
from daydream_console.web.event_fanout import EventFanout
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.rpc import RpcClient
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.telemetry import trace_headers

ANSWER_TIMEOUT_S = 5.0


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(ConsoleSettings.read())


def build(settings: ConsoleSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started.

    The console consumes no stream and answers no request: it is a web application over the others.
    """
    return ServiceApp(settings, partial(open_collaborators, settings))


@asynccontextmanager
async def open_collaborators(
    settings: ConsoleSettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Follow the live events, and mount the web application."""
    events = EventFanout()
    await events.follow(runtime.nc)
    services = WebServices(
        rpc=RpcClient(runtime.nc, patience_s=ANSWER_TIMEOUT_S, headers=trace_headers),
        js=runtime.js,
        events=events,
        publish=runtime.publish,
        stopping=runtime.stopping,
        token=settings.token.get_secret_value(),
    )
    yield Collaborators(routes=[Mount("/", app=web_app(services))])
