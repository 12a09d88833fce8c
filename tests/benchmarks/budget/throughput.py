"""Speed of the ledger over NATS: one and three replicas, near the cap, and added to one call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from benchmarks.budget import in_process
from benchmarks.budget.ledger import ENDLESS, LifetimeCap, ledger
from benchmarks.budget.payments import BOUND, Payments, authorize, reservation
from benchmarks.figures import figure, percentile
from daydream_contracts.rpc import SettleAttempts
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_OPEN, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

IN_FLIGHT, REFUSED = 64, 16


async def measure(*, quick: bool) -> None:
    """Print the figures."""
    rounds = 2 if quick else 5
    for replicas in (1, 3):
        for sync in (True,) if quick else (True, False):
            async with ledger(replicas=replicas, sync_always=sync) as rpc:
                await LifetimeCap(rpc).set(ENDLESS)
                await _rates(rpc, rounds, replicas, sync)
    await one_replica(rounds)
    await in_process.measure(quick=quick)


async def one_replica(rounds: int = 5) -> None:
    """Print the figures of an authorization: near the cap, and alone."""
    async with ledger() as rpc:
        await near_the_cap(rpc, rounds)
        await alone(rpc)


async def _rates(rpc: RpcClient, rounds: int, replicas: int, sync: bool) -> None:
    labels: dict[str, Any] = {
        "in_flight": IN_FLIGHT,
        "replicas": replicas,
        "sync": "always" if sync else "default",
    }
    for form, name in (
        (Payments.in_four, "open+authorize+settle+release"),
        (Payments.in_two, "open with authorize, settle with release"),
    ):
        payments, rates = Payments(rpc), []
        for round_ in range(rounds):
            rates.append(await _rate(partial(form, payments), f"{form.__name__}-{round_}", 1000))
        figure(
            "budget",
            "payments_per_s",
            rates,
            "1/s",
            form=name,
            requests=4 if form is Payments.in_four else 2,
            **labels,
        )


async def near_the_cap(rpc: RpcClient, rounds: int) -> None:
    """Measure near the cap: 64 payments fit under it, 16 more are refused.

    They cost nothing, so the cap stays as near.
    """
    await LifetimeCap(rpc).set(IN_FLIGHT * BOUND)
    p50, p99, refused = [], [], 0
    for round_ in range(rounds):
        payments = Payments(rpc, cost=0)
        await _rate(payments.in_four, f"near-{round_}", 2000, IN_FLIGHT + REFUSED)
        refused += payments.refused
        p50.append(percentile(payments.authorize_ms, 0.5))
        p99.append(percentile(payments.authorize_ms, 0.99))
    labels: dict[str, Any] = {
        "in_flight": IN_FLIGHT,
        "waiting": REFUSED,
        "refused": refused,
        "replicas": 1,
        "sync": "always",
    }
    figure("budget", "draw_p50_ms", p50, "ms", **labels)
    figure("budget", "draw_p99_ms", p99, "ms", **labels)


async def alone(rpc: RpcClient, calls: int = 300) -> None:
    """Measure what authorization and settlement add to a call when nothing else runs."""
    await LifetimeCap(rpc).set(ENDLESS)
    added = []
    for number in range(calls):
        name = f"alone-{number}"
        await rpc.request(BUDGET_OPEN, reservation(name))
        started = time.perf_counter()
        grant = await rpc.request(BUDGET_AUTHORIZE, authorize(name, name))
        await rpc.request(BUDGET_SETTLE, SettleAttempts.of(grant.attempt_id, BOUND))
        added.append(time.perf_counter() - started)
    figure(
        "budget",
        "added_share_of_1s_call",
        added,
        "share",
        in_flight=1,
        replicas=1,
        sync="always",
        p99=round(percentile(added, 0.99), 6),
    )


async def _rate(
    pay: Callable[[str], Awaitable[None]], name: str, payments: int, in_flight: int = IN_FLIGHT
) -> float:
    """Return payments per second of workers that each pay one after the other."""
    names = iter(f"{name}-{number}" for number in range(payments))

    async def work() -> None:
        for payment in names:
            await pay(payment)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return payments / (time.perf_counter() - started)
