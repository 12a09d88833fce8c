"""256 requests at once for a provider that allows 60 a minute: attempts per answer.

The provider counts in fixed windows and says when the next one begins. One replica, and two.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.figures import figure
from benchmarks.gateway.named_calls import NamedCalls
from benchmarks.gateway.processes import STORM, BenchedGateway

WAITING = 256
CALLS = 60
WINDOW_S, WINDOW_S_QUICK = 60.0, 6.0


async def measure(gateway: BenchedGateway, *, quick: bool) -> None:
    """Print the figure of these replicas."""
    window_s = WINDOW_S_QUICK if quick else WINDOW_S
    provider, replicas = gateway.providers[STORM], len(gateway.urls)
    provider.tell(limit={"kind": "window", "calls": CALLS, "seconds": window_s})
    reservation_id = await gateway.reserve(10**9, model=STORM)
    callers = [NamedCalls(gateway.client(replica)) for replica in range(replicas)]
    started = time.monotonic()
    answered = await asyncio.gather(
        *(
            callers[number % replicas].until_answered(STORM, reservation_id)
            for number in range(WAITING)
        )
    )
    seconds = time.monotonic() - started
    for caller in callers:
        await caller.client.close()
    billed = provider.billed()
    figure(
        "gateway",
        "storm_attempts_per_answer",
        [billed["calls"] / sum(answered)],
        "attempts",
        replicas=replicas,
        waiting=WAITING,
        allowed=f"{CALLS} per {window_s:g} s",
        paid_twice=len(billed["repeated"]),
        seconds=round(seconds, 1),
        seconds_min=(WAITING - 1) // CALLS * window_s,
    )
