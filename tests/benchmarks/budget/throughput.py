"""How fast the ledger is: over NATS with one and three replicas, near the cap, and what it adds to a call of a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from benchmarks.budget import inprocess
from benchmarks.budget.ledger import ENDLESS, Cap, ledger
from benchmarks.budget.payments import BOUND, Payments, draw, reservation
from benchmarks.figures import figure, percentile
from daydream_contracts.rpc import Settle
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_OPEN, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

IN_FLIGHT, KNOCKING = 64, 16


async def measure(*, quick: bool) -> None:
    """Print the figures."""
    rounds = 2 if quick else 5
    for replicas in (1, 3):
        for sync in (True,) if quick else (True, False):
            async with ledger(replicas=replicas, sync_always=sync) as ask:
                await Cap(ask).set(ENDLESS)
                await _rates(ask, rounds, replicas, sync)
    await one_replica(rounds)
    await inprocess.measure(quick=quick)


async def one_replica(rounds: int = 5) -> None:
    """Print the figures of a draw: near the cap, and alone."""
    async with ledger() as ask:
        await near_the_cap(ask, rounds)
        await alone(ask)


async def _rates(ask: RpcClient, rounds: int, replicas: int, sync: bool) -> None:
    more = {"in_flight": IN_FLIGHT, "replicas": replicas, "sync": "always" if sync else "default"}
    for form, name in (
        (Payments.in_four, "open+draw+settle+close"),
        (Payments.in_two, "open with draw, settle with close"),
    ):
        payments, rates = Payments(ask), []
        for round_ in range(rounds):
            rates.append(
                await _rate(
                    lambda id_, pay=form, by=payments: pay(by, id_),
                    f"{form.__name__}-{round_}",
                    1000,
                )
            )  # type: ignore[misc]
        figure(
            "budget",
            "payments_per_s",
            rates,
            "1/s",
            form=name,
            questions=4 if form is Payments.in_four else 2,
            **more,
        )


async def near_the_cap(ask: RpcClient, rounds: int) -> None:
    """Payments that cost nothing in the end, so the cap stays as near as it is: 64 fit under it, 16 more knock."""
    await Cap(ask).set(IN_FLIGHT * BOUND)
    p50, p99, refused = [], [], 0
    for round_ in range(rounds):
        payments = Payments(ask, cost=0)
        await _rate(payments.in_four, f"near-{round_}", 2000, IN_FLIGHT + KNOCKING)
        refused += payments.refused
        p50.append(percentile(payments.draw_ms, 0.5))
        p99.append(percentile(payments.draw_ms, 0.99))
    more = {
        "in_flight": IN_FLIGHT,
        "knocking": KNOCKING,
        "refused": refused,
        "replicas": 1,
        "sync": "always",
    }
    figure("budget", "draw_p50_ms", p50, "ms", **more)
    figure("budget", "draw_p99_ms", p99, "ms", **more)


async def alone(ask: RpcClient, calls: int = 300) -> None:
    """What a draw and its settlement add to a call when nothing else is asked."""
    await Cap(ask).set(ENDLESS)
    added = []
    for number in range(calls):
        name = f"alone-{number}"
        await ask(BUDGET_OPEN, reservation(name))
        started = time.perf_counter()
        grant = await ask(BUDGET_AUTHORIZE, draw(name, name))
        await ask(BUDGET_SETTLE, Settle(attempt_id=grant.attempt_id, cost_nanousd=BOUND))
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
    """Payments a second, with so many workers that each pay one after the other."""
    names = iter(f"{name}-{number}" for number in range(payments))

    async def work() -> None:
        for one in names:
            await pay(one)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return payments / (time.perf_counter() - started)
