"""Puts the budget service together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

import nats.errors
from opentelemetry.metrics import CallbackOptions, Observation

from daydream_budget import snapshots
from daydream_budget.handlers import endpoints, state
from daydream_budget.ledger import Ledger, replay
from daydream_budget.settings import Settings
from daydream_shared.messages import NANOUSD_PER_USD
from daydream_shared.runtime import Parts, Runtime

log = logging.getLogger(__name__)


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The budget service: endpoints over the ledger, the committer, the sweeper."""
    books, sequence = await snapshots.load(runtime.js, ZoneInfo(settings.time_zone))
    await snapshots.refuse_a_cut_ledger(runtime.js, sequence)
    sequence = await replay(runtime.js, books, sequence)
    commits = 0

    async def on_commit() -> None:
        nonlocal commits
        commits += 1
        if commits % settings.snapshot_commits == 0:
            await snapshots.save(runtime.js, ledger.books, ledger.sequence)

    ledger = Ledger(runtime.js, books, sequence, by=settings.instance, on_commit=on_commit)
    _meter(runtime, ledger)

    async def sweep() -> None:
        while not runtime.stopping.is_set():
            await runtime.pause(settings.sweep_s)
            try:
                await ledger.sweep(settings.envelope_idle_s)
            except (nats.errors.Error, ConnectionError, TimeoutError) as error:
                log.warning("the sweep waits for NATS: %r", error)

    committer = asyncio.create_task(ledger.commit_forever())
    try:
        yield Parts(endpoints=endpoints(ledger), loops=(sweep,))
    finally:
        committer.cancel()
        await asyncio.gather(committer, return_exceptions=True)
        if runtime.nc.is_connected:
            await snapshots.save(runtime.js, ledger.books, ledger.sequence)


def _meter(runtime: Runtime, ledger: Ledger) -> None:
    def limits(_: CallbackOptions) -> list[Observation]:
        return [
            Observation(value / NANOUSD_PER_USD, {"window": limit.window, "of": name})
            for limit in state(ledger).limits
            for name, value in (("cap", limit.cap_nanousd), ("settled", limit.settled_nanousd), ("drawn", limit.drawn_nanousd), ("open", limit.open_nanousd))
        ]

    def overruns(_: CallbackOptions) -> list[Observation]:
        return [Observation(ledger.books.sums["overruns"])]

    meter = runtime.telemetry.meters.get_meter("daydream")
    meter.create_observable_gauge("daydream.budget", [limits], unit="usd", description="each limit and what counts against it")
    meter.create_observable_gauge("daydream.budget.overruns", [overruns], description="bills above their bound: each is an alarm")
