"""The budget service on one machine: a real NATS server that syncs every commit, one replica, questions over NATS.

Measures whole payments (open, draw, settle, close) a second at 64 in flight, and how long one draw takes alone.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import nats

from benchmarks.figures import figure, percentile
from daydream_shared.requests import ChangeBudget, CloseEnvelope, Draw, EnvelopePart, OpenEnvelope, SetLimit, Settle
from daydream_shared.rpc import Asker
from daydream_shared.subjects import BUDGET_CHANGE, BUDGET_CLOSE, BUDGET_DRAW, BUDGET_OPEN, BUDGET_SETTLE
from support.programs import NatsServer
from support.services import service

ROUNDS, PAYMENTS, IN_FLIGHT = 5, 1000, 64


def run() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        server = NatsServer(Path(folder) / "nats", sync_always=True)
        server.start()
        try:
            with service("budget", server.url, Path(folder)):
                asyncio.run(_measure(server.url))
        finally:
            server.kill()


async def _measure(url: str) -> None:
    nc = await nats.connect(url)
    ask = Asker(nc)
    await ask(BUDGET_CHANGE, ChangeBudget(change_id="cap", what=SetLimit(window="lifetime", cap_nanousd=10**15), who="benchmark"))
    slots = asyncio.Semaphore(IN_FLIGHT)
    draws: list[float] = []

    async def pay(name: str) -> None:
        async with slots:
            part = EnvelopePart(stage="s", model="m", bound_nanousd=1000)
            await ask(BUDGET_OPEN, OpenEnvelope(envelope_id=name, parts=(part,), asked_at=datetime.now(UTC)))
            started = time.perf_counter()
            draw = Draw(envelope_id=name, call_id=name, nonce=name, stage="s", model="m", bound_nanousd=900, lifetime_s=60)
            grant = await ask(BUDGET_DRAW, draw)
            draws.append(1000 * (time.perf_counter() - started))
            await ask(BUDGET_SETTLE, Settle(attempt_id=grant.attempt_id, cost_nanousd=400))
            await ask(BUDGET_CLOSE, CloseEnvelope(envelope_id=name))

    rates, p50, p99 = [], [], []
    for round_ in range(ROUNDS):
        draws.clear()
        started = time.perf_counter()
        await asyncio.gather(*(pay(f"{round_}-{number}") for number in range(PAYMENTS)))
        rates.append(PAYMENTS / (time.perf_counter() - started))
        p50.append(percentile(draws, 0.5))
        p99.append(percentile(draws, 0.99))
    figure("ledger", "payments_per_s", rates, "1/s", in_flight=IN_FLIGHT, replicas=1, sync="always")
    figure("ledger", "draw_p50_ms", p50, "ms", in_flight=IN_FLIGHT, replicas=1, sync="always")
    figure("ledger", "draw_p99_ms", p99, "ms", in_flight=IN_FLIGHT, replicas=1, sync="always")
    alone = []
    for number in range(200):
        draws.clear()
        await pay(f"alone-{number}")
        alone.append(draws[0])
    figure("ledger", "draw_alone_ms", alone, "ms", in_flight=1, replicas=1, sync="always")
    await nc.close()
