"""Build the console: the only place that opens its real collaborators."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from daydream_console import handlers
from daydream_console.client import Client
from daydream_console.digest.config import read_config
from daydream_console.digest.scheduler import DigestScheduler
from daydream_console.insights.aged_verdicts import AgedVerdicts
from daydream_console.insights.follower import IndexFollower
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.queries import InsightQueries
from daydream_console.insights.schema import open_database
from daydream_console.insights.verdict_reader import VerdictReader
from daydream_console.loop_metrics import LoopMetrics, StreamSizes
from daydream_console.loop_watch import LoopWatch
from daydream_console.overview import overview
from daydream_console.settings import ConsoleSettings
from daydream_console.spending.follower import SpendingFollower
from daydream_console.spending.queries import SpendingQueries
from daydream_console.web.app import web_app
from daydream_console.web.event_log import EventLog
from daydream_console.web.services import ConsoleServices
from daydream_contracts.buckets import DIGESTS
from daydream_contracts.topology import CONSOLE_INSIGHT, CONSOLE_INSIGHTS
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.health import WebServer, bind
from daydream_runtime.registration import EndpointHandlers
from daydream_runtime.rpc import RpcClient
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.telemetry import trace_headers

log = logging.getLogger(__name__)
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
    """Open the index, follow the streams, and serve the pages on their own port."""
    rpc = RpcClient(runtime.nc, patience_s=ANSWER_TIMEOUT_S, headers=trace_headers)
    database = open_database(settings.index_file)
    index, events = InsightIndex(database), EventLog()
    await events.follow(runtime.nc)
    aged = AgedVerdicts(index, rpc)
    follower = IndexFollower(index, runtime.js, aged, runtime.pause, seen=events.add)
    spending = SpendingFollower(database, runtime.js, runtime.pause)
    loop = LoopWatch(partial(overview, rpc, runtime.js), runtime.pause)
    loop_metrics = LoopMetrics(runtime.telemetry, loop.latest, StreamSizes(runtime.js))
    insights = InsightQueries(index, VerdictReader(rpc, runtime.js).read)
    services = ConsoleServices(
        client=Client(runtime.nc, runtime.js, rpc, settings.nats_address),
        insights=insights,
        spending=SpendingQueries(database),
        loop=loop,
        events=events,
        access=settings.access_rules(),
        publish=runtime.publish,
        stopping=runtime.stopping,
        trace_url=settings.trace_url,
    )
    scheduler = await open_scheduler(settings, runtime, rpc)
    digests = [scheduler.run] if scheduler else []
    web = WebServer(web_app(services, settings.hosts), bind(settings.web_host, settings.web_port))
    web.start()
    log.info("pages and API", extra={"http": web.address})
    try:
        yield Collaborators(
            context={"insight_queries": insights},
            loops=[
                follower.follow,
                spending.follow,
                loop.follow,
                partial(loop_metrics.follow, runtime.pause),
                *digests,
            ],
        )
    finally:
        await web.stop()
        database.close()
