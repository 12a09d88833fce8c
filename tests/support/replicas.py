"""Replicas of the ledger inside the test's process, on a real stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from nats.aio.client import Client
from nats.js import JetStreamContext

from daydream_budget.ledger.broker_clock import BrokerClock, broker_time, utc_now
from daydream_budget.ledger.chain import ChainPosition
from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.projection import LedgerProjection
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.tail import LedgerTail
from daydream_contracts.events import AlertRaised


async def do_nothing(*_: object) -> None:
    """Take no part in what a replica reports."""


def make_replica(
    nc: Client,
    *,
    state: LedgerState | None = None,
    position: ChainPosition | None = None,
    alerts: list[AlertRaised] | None = None,
    wall: Callable[[], datetime] = utc_now,
    name: str = "replica",
) -> Ledger:
    """Return a replica on the connection's stream. It has read nothing yet."""
    js: JetStreamContext = nc.jetstream(timeout=5)

    async def report(alert: AlertRaised) -> None:
        if alerts is not None:
            alerts.append(alert)

    projection = LedgerProjection(js, state or LedgerState(), position or ChainPosition())
    clock = BrokerClock(partial(broker_time, nc), skew_s_max=5, wall=wall)
    tail = LedgerTail(projection, report, lambda: nc.stats["reconnects"])
    return Ledger(tail, clock, by=name, on_commit=do_nothing)


@asynccontextmanager
async def committing(ledger: Ledger) -> AsyncIterator[Ledger]:
    """Let the replica commit what is submitted."""
    committer = asyncio.create_task(ledger.commit_forever())
    try:
        yield ledger
    finally:
        committer.cancel()
        await asyncio.gather(committer, return_exceptions=True)
