"""`make bench-gateway [QUICK=1]`: one JSON line per figure. It needs no data."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack

from benchmarks.gateway import added_time, malformed, outage, rate, slot, storm
from benchmarks.gateway.processes import gateways

SPEED = {"added": added_time.measure, "rate": rate.measure}
# These mostly wait, each for its own model and provider, so they run at the same time.
BAD_DAYS = {
    "slot": slot.measure,
    "malformed": malformed.measure,
    "outage": outage.measure,
}
STORM = "storm"  # for one replica and for two
PARTS = (*SPEED, STORM, *BAD_DAYS)


def main() -> int:
    """Run the selected parts; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench-gateway", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="two minutes instead of a quarter of an hour: fewer calls, shorter windows and outage",
    )
    parser.add_argument(
        "--only",
        choices=PARTS,
        action="append",
        help="part to run (repeatable; default: all)",
    )
    options = parser.parse_args()
    asyncio.run(_measure(options.only or list(PARTS), quick=options.quick))
    return 0


async def _measure(parts: list[str], *, quick: bool) -> None:
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(gateways())
        for part, measure in SPEED.items():
            if part in parts:
                await measure(gateway, quick=quick)
        pair = await stack.enter_async_context(gateways(replicas=2)) if STORM in parts else None
        async with asyncio.TaskGroup() as group:
            for replicas in (gateway, pair) if pair else ():
                group.create_task(storm.measure(replicas, quick=quick))
            for part, measure in BAD_DAYS.items():
                if part in parts:
                    group.create_task(measure(gateway, quick=quick))


if __name__ == "__main__":
    sys.exit(main())
