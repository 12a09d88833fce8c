"""Puts the budget service together."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors

from daydream_budget.gc_tuning import freeze_heap
from daydream_budget.handlers import endpoints, handlers
from daydream_budget.ledger import archive, snapshots
from daydream_budget.ledger.ledger import Ledger, replay
from daydream_budget.metrics import BudgetMetrics
from daydream_budget.settings import BudgetSettings
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import ChangeBudget, SetZone
from daydream_models.pricing.price_file import read_prices
from daydream_runtime.service import Runtime, ServiceDefinition

log = logging.getLogger(__name__)
SNAPSHOT_SHARE = (
    0.01  # of the time: a snapshot of large books takes long, so the next one waits longer
)


@asynccontextmanager
async def build(runtime: Runtime, settings: BudgetSettings) -> AsyncIterator[ServiceDefinition]:
    """The budget service: endpoints over the ledger, the committer, the sweeper, and the reports of foreground spend."""
    prices = read_prices(settings.prices_file)
    books, sequence = await snapshots.load(runtime.js)
    await snapshots.refuse_a_cut_ledger(runtime.js, sequence)
    sequence = await replay(runtime.js, books, sequence)
    freeze_heap()
    commits, not_before, kept = 0, 0.0, 0

    async def on_commit() -> None:
        nonlocal commits, not_before, kept
        commits += 1
        started = time.monotonic()
        if commits >= settings.snapshot_commits and started >= not_before:
            commits = 0
            kept = await snapshots.save(runtime.js, ledger.books, ledger.sequence) or kept
            not_before = time.monotonic() + (time.monotonic() - started) / SNAPSHOT_SHARE

    ledger = Ledger(
        runtime.js, books, sequence, by=settings.instance, tell=runtime.publish, on_commit=on_commit
    )
    meter = BudgetMetrics(runtime, ledger)

    async def sweep() -> None:
        while not runtime.stopping.is_set():
            await runtime.pause(settings.sweep_s)
            try:
                await ledger.sweep(settings.reservation_idle_s)
            except (nats.errors.Error, ConnectionError, TimeoutError) as error:
                log.warning("the sweep waits for NATS: %r", error)

    async def compact() -> None:
        tried = 0
        while not runtime.stopping.is_set():
            await runtime.pause(settings.sweep_s)
            if kept == tried:
                continue
            tried = kept
            try:
                await archive.compact(runtime.js, kept - settings.keep_commits)
            except (
                archive.ArchiveMismatchError,
                nats.errors.Error,
                ConnectionError,
                TimeoutError,
            ) as error:
                log.error(
                    "nothing moves to the ledger's archive until the next snapshot: %r", error
                )

    committer = asyncio.create_task(ledger.commit_forever())
    try:
        await _set_zone(ledger, settings)
        yield ServiceDefinition(
            handlers(ledger, prices),
            endpoints=endpoints(ledger),
            loops=(sweep, compact, meter.watch_yield),
            concurrency=settings.concurrency,
        )
    finally:
        committer.cancel()
        await asyncio.gather(committer, return_exceptions=True)
        if runtime.nc.is_connected:
            await snapshots.save(runtime.js, ledger.books, ledger.sequence)


async def _set_zone(ledger: Ledger, settings: BudgetSettings) -> None:
    """The zone is the ledger's, so that all replicas cut days alike; the setting is a change that is made once."""
    if not settings.time_zone:
        return
    change = ChangeBudget(
        change_id=f"setting: {settings.time_zone}",
        change=SetZone(zone=settings.time_zone),
        who="settings",
        why="DAYDREAM_BUDGET_TIME_ZONE",
    )
    answer = await ledger.ask(change)
    if answer.refusal is not None:
        raise ConfigurationError(answer.refusal.text, "Check DAYDREAM_BUDGET_TIME_ZONE")
