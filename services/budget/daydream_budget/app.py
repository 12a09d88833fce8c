"""Build the budget service: the only place that opens its real collaborators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from daydream_budget import handlers
from daydream_budget.gateway.calls.record_store import CallRecordStore
from daydream_budget.gc_tuning import freeze_heap
from daydream_budget.ledger import snapshots
from daydream_budget.ledger.broker_clock import BrokerClock, broker_time, utc_now
from daydream_budget.ledger.chain import UnreadableMessageError
from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.projection import LedgerProjection
from daydream_budget.ledger.tail import LedgerTail
from daydream_budget.maintenance import Maintenance, SnapshotKeeper
from daydream_budget.metrics import BudgetMetrics, RefusalCounter
from daydream_budget.pricing.price_file import read_prices
from daydream_budget.settings import BudgetSettings
from daydream_budget.stored_costs import StoredCosts
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ForegroundReported
from daydream_contracts.rpc import ChangeBudget, SetZone
from daydream_contracts.topology import (
    BUDGET_AUTHORIZE,
    BUDGET_CHANGE,
    BUDGET_OPEN,
    BUDGET_RELEASE,
    BUDGET_REPAIR,
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
    BUDGET_REPAIR: handlers.repair_ledger,
    BUDGET_RELEASE: handlers.release_reservation,
    BUDGET_CHANGE: handlers.change_budget,
    BUDGET_STATE: handlers.budget_state,
}


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(BudgetSettings.read())


def build(settings: BudgetSettings, wall: Callable[[], datetime] = utc_now) -> ServiceApp:
    """Create the application. It connects to nothing before it is started.

    `wall` is this machine's clock; a test can shift it.
    """
    return ServiceApp(
        settings,
        partial(open_collaborators, settings, wall),
        consumers={ForegroundReported: handlers.foreground_reported},
        endpoints=ENDPOINTS,
        concurrency=settings.concurrency,
    )


@asynccontextmanager
async def open_collaborators(
    settings: BudgetSettings, wall: Callable[[], datetime], runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the ledger, and commit from the first request to the last."""
    prices = read_prices(settings.prices_file)
    keeper = SnapshotKeeper(runtime.js, settings.snapshot_commits)
    clock = BrokerClock(
        partial(broker_time, runtime.nc), skew_s_max=settings.clock_skew_s_max, wall=wall
    )
    ledger = await open_ledger(runtime, settings, keeper, clock)
    metrics = BudgetMetrics(runtime, ledger)
    maintenance = Maintenance(runtime, settings, ledger, keeper)
    committer = asyncio.create_task(ledger.commit_forever())
    try:
        await ledger.check_clock()
        is_set = await _set_zone(ledger, settings)
        yield Collaborators(
            {"ledger": ledger, "prices": prices, "refusals": RefusalCounter(runtime.telemetry)},
            loops=(
                maintenance.sweep,
                maintenance.compact,
                maintenance.watch_clock,
                metrics.follow,
                *(() if is_set else (partial(_set_zone_later, runtime, ledger, settings),)),
            ),
            not_ready=clock.problem,
        )
    finally:
        committer.cancel()
        await asyncio.gather(committer, return_exceptions=True)
        if runtime.nc.is_connected:
            await snapshots.save(runtime.js, ledger.state, ledger.tail.position)


async def open_ledger(
    runtime: Runtime, settings: BudgetSettings, keeper: SnapshotKeeper, clock: BrokerClock
) -> Ledger:
    """Load the last snapshot and replay the tail, up to an unreadable message.

    Raises ConfigurationError if entries of the ledger are missing.
    """
    state, position = await snapshots.load(runtime.js)
    await snapshots.refuse_truncated_ledger(runtime.js, position.sequence)
    projection = LedgerProjection(runtime.js, state, position)
    tail = LedgerTail(projection, runtime.publish, lambda: runtime.nc.stats["reconnects"])
    try:
        await projection.replay()
    except UnreadableMessageError:
        await tail.catch_up()  # it meets the message again, and reports it
    freeze_heap()
    records = await CallRecordStore.open_buckets(runtime.nc, runtime.js, runtime.bucket)
    return Ledger(
        tail,
        clock,
        by=settings.instance,
        on_commit=keeper.after_commit,
        find_settlement=StoredCosts(records).settlement,
    )


async def _set_zone_later(runtime: Runtime, ledger: Ledger, settings: BudgetSettings) -> None:
    """Set the time zone once the ledger can be written."""
    while not runtime.stopping.is_set() and not await _set_zone(ledger, settings):
        await runtime.pause(settings.sweep_s)


async def _set_zone(ledger: Ledger, settings: BudgetSettings) -> bool:
    """Set the ledger's time zone once. It is the ledger's, so that all replicas cut days alike.

    Return False if nothing can be committed now.
    """
    if not settings.time_zone:
        return True
    request = ChangeBudget(
        change_id=f"setting: {settings.time_zone}",
        change=SetZone(zone=settings.time_zone),
        who="settings",
        why="DAYDREAM_BUDGET_TIME_ZONE",
    )
    reply = await ledger.submit(request)
    if ledger.halted is not None:
        return False
    if reply.refusal is not None:
        raise ConfigurationError(
            reply.refusal.text.removesuffix("."), "Check DAYDREAM_BUDGET_TIME_ZONE"
        )
    return True
