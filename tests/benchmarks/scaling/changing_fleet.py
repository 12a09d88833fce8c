"""Critics are added, killed and stopped under load: what is lost, and what is paid twice.

States: two critics → four → one is killed amid its calls and started again → two are stopped in
order → all hypotheses have their verdict. The provider's own log says what was asked twice.
"""

from __future__ import annotations

import signal
import time

from benchmarks.figures import figure
from benchmarks.scaling.fleet import CALL_S, CriticFleet, critic_fleet

EACH = 8
HYPOTHESES, HYPOTHESES_QUICK = 640, 320
BENCHMARK = "scaling"


async def changing_fleet(quick: bool) -> None:
    """Print the figures. All but the time must be 0."""
    count = HYPOTHESES_QUICK if quick else HYPOTHESES
    async with critic_fleet() as fleet:
        await fleet.source.send(count)
        began = time.monotonic()
        await fleet.start([0, 1], EACH)
        await _answered(fleet, count // 8)
        await fleet.start([2, 3], EACH)
        await _answered(fleet, count // 4)
        await fleet.end(0, signal.SIGKILL)
        await fleet.start([0], EACH)
        await _answered(fleet, count // 4)
        await fleet.end(1, signal.SIGTERM)
        await fleet.end(2, signal.SIGTERM)
        await fleet.until_judged()
        seconds = time.monotonic() - began
        await _print(fleet, count, seconds)


async def _answered(fleet: CriticFleet, calls: int) -> None:
    await fleet.system.until_answered(calls)


async def _print(fleet: CriticFleet, count: int, seconds: float) -> None:
    asked = fleet.system.endpoint.calls()
    billed_nanousd = fleet.system.endpoint.witness()["cost_nanousd"]
    settled_nanousd = (await fleet.budget()).settled_nanousd
    rows = (
        ("verdicts_lost", count - await fleet.verdicts(), "verdicts"),
        ("dead_letters", await fleet.dead_letters(), "messages"),
        ("calls_paid_twice", sum(times - 1 for times in asked.values()), "calls"),
        ("settled_less_billed", (settled_nanousd - billed_nanousd) / 1e9, "USD"),
        ("changing_fleet_s", seconds, "s"),
    )
    for name, value, unit in rows:
        figure(BENCHMARK, name, [value], unit, hypotheses=count, call_s=CALL_S)
