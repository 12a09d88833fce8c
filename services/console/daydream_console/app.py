"""Build the console: the only place that opens its real collaborators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.routing import Mount

from daydream_console import handlers
from daydream_console.digest.config import read_config
from daydream_console.digest.scheduler import DigestScheduler
from daydream_console.insights.aged_verdicts import AgedVerdicts
from daydream_console.insights.follower import IndexFollower
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.queries import InsightQueries
from daydream_console.insights.schema import open_database
from daydream_console.insights.verdict_reader import VerdictReader
from daydream_console.settings import ConsoleSettings
from daydream_console.web.app import web_app
from daydream_console.web.dependencies import WebServices
from daydream_console.web.event_fanout import EventFanout
from daydream_contracts.buckets import DIGESTS
from daydream_contracts.topology import CONSOLE_INSIGHT, CONSOLE_INSIGHTS
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.registration import EndpointHandlers
from daydream_runtime.rpc import RpcClient
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.telemetry import trace_headers

ANSWER_TIMEOUT_S = 5.0
ENDPOINTS: EndpointHandlers = {
    CONSOLE_INSIGHTS: handlers.find_insights,
    CONSOLE_INSIGHT: handlers.get_insight,
}


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(ConsoleSettings.read())


def build(settings: ConsoleSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started.

    The console has no durable consumer: it reads streams into its own index, and changes nothing
    by reading.
    """
    return ServiceApp(settings, partial(open_collaborators, settings), endpoints=ENDPOINTS)


async def open_scheduler(
    settings: ConsoleSettings, runtime: Runtime, rpc: RpcClient
) -> DigestScheduler | None:
    """Return the schedule of digests. None: no file says that any is sent."""
    if settings.digests_file is None:
        return None
    return DigestScheduler(
        config=read_config(settings.digests_file),
        rpc=rpc,
        js=runtime.js,
        bucket=await runtime.bucket(DIGESTS),
        password=settings.smtp_password.get_secret_value(),
        page_url=settings.public_url,
        pause=runtime.pause,
    )


@asynccontextmanager
async def open_collaborators(
    settings: ConsoleSettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Follow the live events, and mount the web application."""
    events = EventFanout()
    await events.follow(runtime.nc)
    index = InsightIndex(open_database(settings.index_file))
    rpc = RpcClient(runtime.nc, patience_s=ANSWER_TIMEOUT_S, headers=trace_headers)
    follower = IndexFollower(index, runtime.js, AgedVerdicts(index, rpc), runtime.pause)
    insights = InsightQueries(index, VerdictReader(rpc, runtime.js).read)
    services = WebServices(
        rpc=rpc,
        js=runtime.js,
        events=events,
        publish=runtime.publish,
        stopping=runtime.stopping,
        token=settings.token.get_secret_value(),
    )
    scheduler = await open_scheduler(settings, runtime, rpc)
    yield Collaborators(
        context={"insight_queries": insights},
        loops=[follower.follow, *([scheduler.run] if scheduler else [])],
        routes=[Mount("/", app=web_app(services))],
    )
