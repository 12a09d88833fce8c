"""How fast pages and API are with 10,000 insights while 100 events a second come in, and whether
the console's memory stays flat: `make bench-console`.

Services are fakes that answer at once. So this measures the index, the templates and the API. Each
request runs over ASGI in one event loop, as in the console, with events in between.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import time

import httpx
import psutil

from benchmarks.figures import figure
from daydream_contracts.rpc import SourceFact
from support.console import ConsoleFixture
from support.insights import promotion, verdict

INSIGHTS = 10_000
FACTS = int(os.environ.get("FACTS", "1000000"))
EVENTS_PER_S = 100
ROUNDS = 25
EVENTS_MEASURED = 3_000
WARM_UP_EVENTS = 15_000
PATHS = (
    "/?since=all",
    "/insights",
    "/insights?state=all&sort=date&words=meander",
    "/review",
    "/live",
    "/budget",
    "/api/v1/insights?limit=50",
    "/api/v1/insights?words=crowd&min_score=5&sort=score",
)


def run() -> None:
    """Print page_p95_ms per path and over all, and rss_growth_mb_per_h."""
    asyncio.run(_run())


async def _run() -> None:
    console = filled()
    transport = httpx.ASGITransport(app=console.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        times = await _measure(console, client)
    for path, values in times.items():
        figure("console", "page_p95_ms", [_p95(values)], "ms", path=path, insights=INSIGHTS)
    every = [value for values in times.values() for value in values]
    figure("console", "page_p95_ms", [_p95(every)], "ms", path="all", insights=INSIGHTS)
    growth = _growth(console)
    figure("console", "rss_growth_mb_per_h", [growth], "MB/h", events_per_s=EVENTS_PER_S)


def filled() -> ConsoleFixture:
    """Return a console whose index holds the insights and facts."""
    console = ConsoleFixture()
    database = console.index.database
    database.execute("begin")
    rows = (
        (f"f{number}", SourceFact(fact_id=f"f{number}", text="A fact.").model_dump_json())
        for number in range(FACTS)
    )
    database.executemany("insert or ignore into facts values(?, ?)", rows)
    for number in range(INSIGHTS):
        odds = (number % 100) / 25 - 2
        console.index.add_promotion(
            promotion(verdict(number, title=f"Insight {number}", log_odds=odds))
        )
    database.execute("commit")
    return console


async def _measure(console: ConsoleFixture, client: httpx.AsyncClient) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    events = asyncio.create_task(_events(console))
    for _ in range(ROUNDS):
        for path in PATHS:
            started = time.perf_counter()
            answer = await client.get(path)
            times[path].append((time.perf_counter() - started) * 1000)
            assert answer.status_code == httpx.codes.OK, path
            await asyncio.sleep(0.01)
    events.cancel()
    return times


async def _events(console: ConsoleFixture) -> None:
    number = INSIGHTS
    while True:
        number += 1
        _add(console, number)
        await asyncio.sleep(1 / EVENTS_PER_S)


def _add(console: ConsoleFixture, number: int) -> None:
    event = verdict(number % INSIGHTS, title="again")
    console.index.add_verdict(event, number)
    console.events.add("VERDICTS", number, event)


def _growth(console: ConsoleFixture) -> float:
    """Return how much the resident memory grows in an hour of events, after a warm-up."""
    process = psutil.Process()
    for number in range(WARM_UP_EVENTS):
        _add(console, number % EVENTS_MEASURED)
    gc.collect()
    before = process.memory_info().rss
    for number in range(EVENTS_MEASURED):
        _add(console, number)
    gc.collect()
    grown = (process.memory_info().rss - before) / 1e6
    return grown * 3600 * EVENTS_PER_S / EVENTS_MEASURED


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
