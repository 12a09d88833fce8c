"""Requests per second through one replica, as a ratio to the bare client: 32 at a time, in turns.

The provider answers at once. All processes share the machine, the client too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import openai

from benchmarks.figures import figure
from benchmarks.gateway.named_calls import headers, request
from benchmarks.gateway.processes import PLAIN, BenchedGateway

AT_A_TIME = 32
CALLS_PER_RESERVATION = 4
ROUNDS, ROUNDS_QUICK = 9, 4
CALLS, CALLS_QUICK = 1000, 400


async def measure(gateway: BenchedGateway, *, quick: bool) -> None:
    """Print the figures."""
    rounds, calls = (ROUNDS_QUICK, CALLS_QUICK) if quick else (ROUNDS, CALLS)
    through_per_s, bare_per_s = [], []
    cpu_ms: dict[str, list[float]] = {"gateway": [], "budget": []}
    async with gateway.client() as through, gateway.bare_client(PLAIN) as bare:
        for round_ in range(-1, rounds):
            reservations = await _reservations(gateway, calls)
            bare_rate = await _per_s(bare, iter(reservations))
            before_s = {process: gateway.cpu_s(process) for process in cpu_ms}
            through_rate = await _per_s(through, iter(reservations))
            if round_ >= 0:  # the first one opens connections and learns the concurrency
                bare_per_s.append(bare_rate)
                through_per_s.append(through_rate)
                for process, at_s in before_s.items():
                    cpu_ms[process].append(1000 * (gateway.cpu_s(process) - at_s) / calls)
    context: dict[str, Any] = {"at_a_time": AT_A_TIME, "calls_per_round": calls, "replicas": 1}
    ratios = [
        through_rate / bare_rate
        for through_rate, bare_rate in zip(through_per_s, bare_per_s, strict=True)
    ]
    figure("gateway", "gateway_rate_ratio", ratios, "ratio", **context)
    figure("gateway", "gateway_requests_per_s", through_per_s, "1/s", **context)
    figure("gateway", "bare_requests_per_s", bare_per_s, "1/s", **context)
    for process, values in cpu_ms.items():
        figure("gateway", "cpu_ms_per_request", values, "ms", process=process, **context)


async def _reservations(gateway: BenchedGateway, calls: int) -> list[str]:
    """Return a reservation for each call, as few calls share one in a daydream."""
    opened = [
        await gateway.reserve(10**6, model=PLAIN) for _ in range(calls // CALLS_PER_RESERVATION)
    ]
    return opened * CALLS_PER_RESERVATION


async def _per_s(client: openai.AsyncOpenAI, reservations: Iterator[str]) -> float:
    done = 0

    async def work() -> None:
        nonlocal done
        for reservation_id in reservations:
            await client.chat.completions.create(
                **request(PLAIN), extra_headers=headers(reservation_id)
            )
            done += 1

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
    return done / (time.perf_counter() - started)
