"""What the gateway adds to a call of 0.2 s: the same call bare and through it, one after the other.

The difference of each pair is one measurement, so what the machine does meanwhile affects both.
"""

from __future__ import annotations

import random
import time
from functools import partial

import openai

from benchmarks.figures import interval_figure, percentile
from benchmarks.gateway.named_calls import headers, request
from benchmarks.gateway.processes import PLAIN, BenchedGateway

CALL_S = 0.2
PAIRS, PAIRS_QUICK = 400, 100
WARM_UP = 10
SEED = 0


async def measure(gateway: BenchedGateway, *, quick: bool) -> None:
    """Print the figures."""
    pairs = PAIRS_QUICK if quick else PAIRS
    order = random.Random(SEED)
    gateway.providers[PLAIN].tell(latency_s=CALL_S)
    reservation_id = await gateway.reserve(model=PLAIN)
    added_ms, bare_ms = [], []
    async with gateway.client() as through, gateway.bare_client(PLAIN) as bare:
        for pair in range(-WARM_UP, pairs):
            seconds = {}
            for client in order.sample((through, bare), 2):
                seconds[client] = await _seconds(client, reservation_id)
            if pair >= 0:
                added_ms.append(1000 * (seconds[through] - seconds[bare]))
                bare_ms.append(1000 * seconds[bare])
    gateway.providers[PLAIN].tell()
    for name, share in (("gateway_added_ms_p50", 0.5), ("gateway_added_ms_p99", 0.99)):
        interval_figure(
            "gateway",
            name,
            added_ms,
            partial(percentile, share=share),
            "ms",
            seed=SEED,
            call_s=CALL_S,
            bare_ms_p50=round(percentile(bare_ms, 0.5), 3),
            bare_ms_p99=round(percentile(bare_ms, 0.99), 3),
        )


async def _seconds(client: openai.AsyncOpenAI, reservation_id: str) -> float:
    body, own = request(PLAIN), headers(reservation_id)
    started = time.perf_counter()
    await client.chat.completions.create(**body, extra_headers=own)
    return time.perf_counter() - started
