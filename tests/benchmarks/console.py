"""How fast pages and API are with 10,000 insights while 100 events a second come in, and whether
the console's memory stays flat in an hour of them: `make bench-console`. It takes a few minutes.

Services are fakes that answer at once. So this measures the index, the templates and the API. Each
request runs over ASGI in one event loop, as in the console, with events in between. The index is
in a file, as in production.

The events are those of a loop: per daydream a pair, a hypothesis and a verdict, and for every tenth
verdict a promotion. Live pages listen, and one of them reads nothing. For the growth the events of
an hour come as fast as they can be handled. The resident memory is read after each minute of them,
and its growth is the slope of a regression line, after a warm-up of ten minutes.

`FACTS=100000` and `MINUTES=20` make it smaller.
"""

from __future__ import annotations

import asyncio
import gc
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from benchmarks.figures import figure
from daydream_contracts.events import Message
from daydream_contracts.rpc import SourceFact
from support.console import ConsoleFixture
from support.insights import promotion, verdict

INSIGHTS = 10_000
FACTS = int(os.environ.get("FACTS", "1000000"))
MINUTES = int(os.environ.get("MINUTES", "60"))
WARM_UP_MINUTES = 10
EVENTS_PER_S = 100
PROMOTED_EVERY = 10
ROUNDS = 25
LISTENERS = 20
NORMAL_95 = 1.96
PATHS = (
    "/?since=all",
    "/insights",
    "/insights?state=all&sort=date&words=meander",
    "/insights?state=all&sort=score&strategy=uniform&reviewed=no",
    "/insights/{insight}",
    "/insights/{insight}/graph",
    "/review",
    "/live",
    "/budget",
    "/budget/entries?kind=attempt-settled",
    "/sampler",
    "/judges",
    "/documents",
    "/documents/map",
    "/dead-letters",
    "/settings",
    "/fragments/diagnosis",
    "/api/v1/insights?limit=50",
    "/api/v1/insights?words=crowd&min_score=5&sort=score",
    "/api/v1/insights/{insight}",
    "/api/v1/insights/{insight}/ancestry",
    "/api/v1/insights/facets",
    "/api/v1/insights/counts",
    "/api/v1/reviews/progress",
    "/api/v1/state",
    "/api/v1/diagnosis",
    "/api/v1/budget/spend?by=strategy",
    "/api/v1/budget/insight-costs",
    "/api/v1/events/latest",
)


def run() -> None:
    """Print page_p95_ms per path, the worst of them, and rss_growth_mb_per_h."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(Path(folder) / "index.sqlite"))


async def _run(file: Path) -> None:
    console = filled(file)
    insight = verdict(7).verdict_id
    transport = httpx.ASGITransport(app=console.app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client,
        listening(console),
    ):
        stream = events(INSIGHTS)
        paths = [path.replace("{insight}", insight) for path in PATHS]
        times = await _measure(console, client, paths, stream)
        for name, path in zip(PATHS, paths, strict=True):
            values = [_p95(times[path])]
            figure(
                "console", "page_p95_ms", values, "ms", path=name, insights=INSIGHTS, facts=FACTS
            )
        worst = max(_p95(values) for values in times.values())
        figure(
            "console", "page_p95_ms", [worst], "ms", path="worst", insights=INSIGHTS, facts=FACTS
        )
        slope, half = await _growth(console, client, paths, stream)
    context = {"events_per_s": EVENTS_PER_S, "minutes": MINUTES}
    values = [slope - half, slope, slope + half]
    figure("console", "rss_growth_mb_per_h", values, "MB/h", **context)


def filled(file: Path) -> ConsoleFixture:
    """Return a console whose index holds the insights and facts."""
    console = ConsoleFixture(index_file=file)
    database = console.index.database
    database.execute("begin")
    for start in range(0, FACTS, 100_000):
        _say(f"{start:,} of {FACTS:,} facts")
        rows = (
            (f"f{number}", SourceFact(fact_id=f"f{number}", text="A fact.").model_dump_json())
            for number in range(start, min(FACTS, start + 100_000))
        )
        database.executemany("insert or ignore into facts values(?, ?)", rows)
    for number in range(INSIGHTS):
        if number % 2000 == 0:
            _say(f"{number:,} of {INSIGHTS:,} insights")
        odds = (number % 100) / 25 - 2
        reached = verdict(number, title=f"Insight {number}", log_odds=odds)
        console.verdicts[reached.verdict_id] = reached
        console.index.add_promotion(promotion(reached))
    database.execute("commit")
    return console


@asynccontextmanager
async def listening(console: ConsoleFixture) -> AsyncIterator[None]:
    """Let live pages read the events, and one that is connected but reads nothing."""
    stopping = asyncio.Event()
    stalled = console.events.stream(stopping, "")
    await anext(stalled)
    async with asyncio.TaskGroup() as group:
        for _ in range(LISTENERS):
            group.create_task(_listen(console, stopping))
        yield
        stopping.set()
    await stalled.aclose()


async def _listen(console: ConsoleFixture, stopping: asyncio.Event) -> None:
    async for _ in console.events.stream(stopping, ""):
        pass


def events(number: int) -> Iterator[tuple[str, int, Message]]:
    """Yield what a loop says after this number, without end: stream, sequence and event."""
    while True:
        number += 1
        reached = verdict(number, title=f"Insight {number}", log_odds=(number % 100) / 25 - 2)
        yield "", 0, reached.hypothesis.pair
        yield "", 0, reached.hypothesis
        yield "VERDICTS", number, reached
        if number % PROMOTED_EVERY == 0:
            yield "INSIGHTS", number, promotion(reached)


def take(console: ConsoleFixture, stream: str, sequence: int, event: Message) -> None:
    """Do with an event what the console does with it."""
    if stream == "VERDICTS":
        console.index.add_verdict(event, sequence)  # type: ignore[arg-type]
    elif stream == "INSIGHTS":
        console.index.add_promotion(event)  # type: ignore[arg-type]
    if stream:
        console.events.add(stream, sequence, event)
    else:
        console.events.show(event)


async def _measure(
    console: ConsoleFixture,
    client: httpx.AsyncClient,
    paths: list[str],
    stream: Iterator[tuple[str, int, Message]],
) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {path: [] for path in paths}
    coming = asyncio.create_task(_come(console, stream))
    for number in range(ROUNDS):
        if number % 5 == 0:
            _say(f"round {number} of {ROUNDS}")
        for path in paths:
            started = time.perf_counter()
            answer = await client.get(path)
            times[path].append((time.perf_counter() - started) * 1000)
            assert answer.status_code == httpx.codes.OK, (path, answer.text[:500])
            await asyncio.sleep(0.01)
    coming.cancel()
    return times


async def _come(console: ConsoleFixture, stream: Iterator[tuple[str, int, Message]]) -> None:
    """Take events at their rate: those that are late come at once."""
    started, count = time.perf_counter(), 0
    while True:
        while count < (time.perf_counter() - started) * EVENTS_PER_S:
            take(console, *next(stream))
            count += 1
        await asyncio.sleep(1 / EVENTS_PER_S)


async def _growth(
    console: ConsoleFixture,
    client: httpx.AsyncClient,
    paths: list[str],
    stream: Iterator[tuple[str, int, Message]],
) -> tuple[float, float]:
    """Return the growth of the resident memory in MB per hour of events, and half its interval."""
    process, sizes = psutil.Process(), list[float]()
    for minute in range(WARM_UP_MINUTES + MINUTES):
        for number in range(60 * EVENTS_PER_S):
            take(console, *next(stream))
            if number % EVENTS_PER_S == 0:
                await asyncio.sleep(0)
        for path in paths[minute % 5 :: 5]:
            await client.get(path)
        gc.collect()
        sizes.append(process.memory_info().rss / 1e6)
        if minute % 5 == 0:
            _say(f"minute {minute} of {WARM_UP_MINUTES + MINUTES}: {sizes[-1]:.1f} MB resident")
    return slope_per_h(sizes[WARM_UP_MINUTES:])


def slope_per_h(sizes: list[float]) -> tuple[float, float]:
    """Return the slope of sizes that were read once a minute, per hour, and half its 95 % interval.

    The interval is that of ordinary regression. It takes the residuals for independent.
    """
    minutes = list(range(len(sizes)))
    line = statistics.linear_regression(minutes, sizes)
    rest = [
        size - line.intercept - line.slope * minute
        for minute, size in zip(minutes, sizes, strict=True)
    ]
    spread = len(sizes) * statistics.pvariance(minutes)
    error = math.sqrt(sum(each**2 for each in rest) / (len(sizes) - 2) / spread)
    return 60 * line.slope, 60 * NORMAL_95 * error


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _say(text: str) -> None:
    print(f"bench-console: {text}", file=sys.stderr, flush=True)
