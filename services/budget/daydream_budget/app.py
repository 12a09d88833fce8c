"""Build the budget service: the only place that opens its real collaborators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from daydream_budget import handlers
from daydream_budget.gc_tuning import freeze_heap
from daydream_budget.ledger import snapshots
from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.replay import replay
from daydream_budget.maintenance import Maintenance, SnapshotKeeper
from daydream_budget.metrics import BudgetMetrics, RefusalCounter
from daydream_budget.pricing.price_file import read_prices
from daydream_budget.settings import BudgetSettings
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ForegroundReported
from daydream_contracts.rpc import ChangeBudget, SetZone
from daydream_contracts.topology import (
    BUDGET_AUTHORIZE,
    BUDGET_CHANGE,
    BUDGET_OPEN,
    BUDGET_RELEASE,
    BUDGET_SETTLE,
    BUDGET_STATE,
)
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.registration import EndpointHandlers
from daydream_runtime.runtime_context import Runtime

ENDPOINTS: EndpointHandlers = {
    BUDGET_OPEN: handlers.open_reservation,
    BUDGET_AUTHORIZE: handlers.authorize,
    BUDGET_SETTLE: handlers.settle,
    BUDGET_RELEASE: handlers.release_reservation,
    BUDGET_CHANGE: handlers.change_budget,
    BUDGET_STATE: handlers.budget_state,
}


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(BudgetSettings.read())


def build(settings: BudgetSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(
        settings,
        partial(open_collaborators, settings),
        consumers={ForegroundReported: handlers.foreground_reported},
        endpoints=ENDPOINTS,
        concurrency=settings.concurrency,
    )


@asynccontextmanager
async def open_collaborators(
    settings: BudgetSettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the ledger, and commit from the first request to the last."""
    prices = read_prices(settings.prices_file)
    keeper = SnapshotKeeper(runtime.js, settings.snapshot_commits)
    ledger = await open_ledger(runtime, settings, keeper)
    metrics = BudgetMetrics(runtime, ledger)
    maintenance = Maintenance(runtime, settings, ledger, keeper)
    committer = asyncio.create_task(ledger.commit_forever())
    try:
        await _set_zone(ledger, settings)
        yield Collaborators(
            {"ledger": ledger, "prices": prices, "refusals": RefusalCounter(runtime.telemetry)},
            loops=(maintenance.sweep, maintenance.compact, metrics.watch_memory),
        )
    finally:
        committer.cancel()
        await asyncio.gather(committer, return_exceptions=True)
        if runtime.nc.is_connected:
            await snapshots.save(runtime.js, ledger.state, ledger.sequence)


async def open_ledger(runtime: Runtime, settings: BudgetSettings, keeper: SnapshotKeeper) -> Ledger:
    """Load the last snapshot and replay the tail.

    Raises ConfigurationError if entries of the ledger are missing.
    """
    state, sequence = await snapshots.load(runtime.js)
    await snapshots.refuse_truncated_ledger(runtime.js, sequence)
    sequence = await replay(runtime.js, state, sequence)
    freeze_heap()
    return Ledger(
        runtime.js,
        state,
        sequence,
        by=settings.instance,
        report=runtime.publish,
        on_commit=keeper.after_commit,
    )


async def _set_zone(ledger: Ledger, settings: BudgetSettings) -> None:
    """Set the ledger's time zone once. It is the ledger's, so that all replicas cut days alike."""
    if not settings.time_zone:
        return
    request = ChangeBudget(
        change_id=f"setting: {settings.time_zone}",
        change=SetZone(zone=settings.time_zone),
        who="settings",
        why="DAYDREAM_BUDGET_TIME_ZONE",
    )
    reply = await ledger.submit(request)
    if reply.refusal is not None:
        raise ConfigurationError(
            reply.refusal.text.removesuffix("."), "Check DAYDREAM_BUDGET_TIME_ZONE"
        )
