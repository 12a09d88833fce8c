"""The ledger in this process, over a real NATS server: group commits without RPC over NATS."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import nats
from nats.js import JetStreamContext

from benchmarks.budget import restart
from benchmarks.budget.ledger import ENDLESS
from benchmarks.budget.payments import BOUND, COST, authorize, reservation
from benchmarks.figures import figure
from daydream_budget.gc_tuning import freeze_heap
from daydream_budget.ledger.ledger import Ledger
from daydream_contracts.rpc import ChangeBudget, SetLimit, Settle
from daydream_runtime.provisioning import provision
from support.programs import NatsServer
from support.replicas import committing, make_replica

IN_FLIGHT = (64, 256)
CALLS = 20  # in a reservation
SECONDS = 1.0


async def measure(*, quick: bool) -> None:
    """Print the figures."""
    freeze_heap()
    rounds = 2 if quick else 5
    async with _ledger(sync_always=True) as (ledger, _):
        for clients in IN_FLIGHT:
            pairs = [
                await _pairs(ledger, f"pairs-{clients}-{number}", clients)
                for number in range(rounds)
            ]
            figure(
                "budget",
                "pairs_per_s",
                pairs,
                "1/s",
                form="authorize, settle",
                calls_an_reservation=CALLS,
                in_flight=clients,
                **_LABELS,
            )
            whole = [
                await payments(ledger, f"whole-{clients}-{number}", clients, SECONDS) / SECONDS
                for number in range(rounds)
            ]
            figure(
                "budget",
                "pairs_per_s",
                whole,
                "1/s",
                form="open with authorize, settle with release",
                in_flight=clients,
                **_LABELS,
            )
    entries = 50_000 if quick else 1_000_000
    async with _ledger(sync_always=False) as (ledger, js):
        await payments(ledger, "filled", 256, 600.0, entries // restart.ENTRIES_PER_PAYMENT)
        await restart.measure(js, ledger.sequence, entries)


_LABELS: dict[str, Any] = {"replicas": 1, "sync": "always", "where": "in process"}


@asynccontextmanager
async def _ledger(*, sync_always: bool) -> AsyncIterator[tuple[Ledger, JetStreamContext]]:
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder), sync_always=sync_always)
        server.start()
        nc = await nats.connect(server.url)
        await provision(nc, replicas=1)
        js = nc.jetstream()
        ledger = make_replica(nc, name="benchmark")
        try:
            async with committing(ledger):
                await ledger.submit(
                    ChangeBudget(
                        change_id="cap",
                        change=SetLimit(window="lifetime", cap_nanousd=ENDLESS),
                        who="benchmark",
                    )
                )
                yield ledger, js
        finally:
            await nc.close()
            server.kill()


async def _pairs(ledger: Ledger, name: str, clients: int) -> float:
    """Return authorizations and settlements per second, with `CALLS` calls per reservation."""
    done, end = 0, time.perf_counter() + SECONDS

    async def client(own: str) -> None:
        nonlocal done
        for number in count():
            opened = reservation(f"{own}-{number}")
            large = opened.allocations[0].model_copy(update={"upper_bound_nanousd": BOUND * CALLS})
            await ledger.submit(opened.model_copy(update={"allocations": (large,)}))
            for call in range(CALLS):
                grant = await ledger.submit(
                    authorize(opened.reservation_id, f"{opened.reservation_id}-{call}")
                )
                await ledger.submit(
                    Settle(
                        attempt_id=grant.attempt_id, cost_nanousd=COST, release=call == CALLS - 1
                    )
                )
                done += 1
                if time.perf_counter() >= end:
                    return

    await asyncio.gather(*(client(f"{name}-{number}") for number in range(clients)))
    return done / SECONDS


async def payments(
    ledger: Ledger, name: str, clients: int, seconds: float, most: float = float("inf")
) -> int:
    """Make whole payments for `seconds`, or `most` of them; return their number."""
    done, end = 0, time.perf_counter() + seconds

    async def client(own: str) -> None:
        nonlocal done
        number = 0
        while time.perf_counter() < end and done < most:
            grant = await ledger.submit(reservation(f"{own}-{number}", first=True))
            await ledger.submit(
                Settle(attempt_id=grant.attempt_id, cost_nanousd=COST, release=True)
            )
            number += 1
            done += 1

    await asyncio.gather(*(client(f"{name}-{number}") for number in range(clients)))
    return done
