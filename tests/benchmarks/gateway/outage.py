"""A provider answers 529 to everything for a while: what that costs, and how often it is asked."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from benchmarks.figures import figure
from benchmarks.gateway.named_calls import NamedCalls
from benchmarks.gateway.processes import OUTAGE, BenchedGateway
from daydream_contracts.events import NANOUSD_PER_USD

STATUS = 529
WAITING = 64
OUTAGE_S, OUTAGE_S_QUICK = 600.0, 60.0


async def measure(gateway: BenchedGateway, *, quick: bool) -> None:
    """Print the figures."""
    outage_s = OUTAGE_S_QUICK if quick else OUTAGE_S
    provider = gateway.providers[OUTAGE]
    reservation_id = await gateway.reserve(10**9, model=OUTAGE)
    provider.tell(outage={"status": STATUS, "seconds": outage_s})
    started = time.monotonic()
    async with gateway.client() as client:
        calls = NamedCalls(client)
        answered = await asyncio.gather(
            *(calls.until_answered(OUTAGE, reservation_id) for _ in range(WAITING))
        )
    seconds = time.monotonic() - started
    await gateway.wait_until_settled()
    billed = provider.billed()
    cost = await gateway.settled_nanousd(OUTAGE) - billed["billed_nanousd"]
    context: dict[str, Any] = {"status": STATUS, "outage_s": outage_s, "waiting": WAITING}
    figure("gateway", "outage_cost_usd", [cost / NANOUSD_PER_USD], "usd", **context)
    figure("gateway", "outage_probes", [billed["refused"]], "calls", **context)
    figure("gateway", "outage_lost_calls", [answered.count(False)], "calls", **context)
    figure("gateway", "outage_recovered_after_s", [seconds - outage_s], "s", **context)
