"""Calls a second as critics are added, and the share of their slots' time that calls take.

Linear is what one slot makes alone, times the number of slots. One system judges all of it; the
critics are stopped and others are started in between. A window begins when the slots are busy.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from math import ceil

from benchmarks.figures import figure
from benchmarks.scaling.fleet import CALL_S, CriticFleet, critic_fleet
from benchmarks.scaling.provider_log import calls_of, calls_per_s, slot_efficiency

FLEETS = ((1, 1), (1, 8), (2, 8), (4, 8))  # critics, calls in flight of each
LARGEST = FLEETS[-1]
SETTLE_S = 8.0  # until the slots are busy: the gateway begins with few calls, and finds out
WINDOW_S, WINDOW_QUICK_S = 30.0, 15.0
HEAVY_TAIL = 1.0  # standard deviation of the logarithm of the lengths: one in 100 takes 6 times
BENCHMARK = "scaling"


@dataclass(frozen=True)
class FleetWindow:
    """What was seen of a fleet in a window."""

    calls_per_s: float
    slot_efficiency: float


async def steady_fleet(quick: bool) -> None:
    """Print the figures."""
    window_s = WINDOW_QUICK_S if quick else WINDOW_S
    async with critic_fleet() as fleet:
        seen = {size: await _window(fleet, size, window_s) for size in FLEETS}
        one = seen[1, 1].calls_per_s
        for (critics, each), window in seen.items():
            slots = critics * each
            of: dict[str, str | float] = {"critics": critics, "calls_each": each, "call_s": CALL_S}
            figure(BENCHMARK, "calls_per_s", [window.calls_per_s], "1/s", **of)
            scaling = window.calls_per_s / (slots * one)
            figure(BENCHMARK, f"critic_scaling_{slots}", [scaling], "ratio", **of)
            figure(BENCHMARK, "slot_efficiency", [window.slot_efficiency], "ratio", **of)
        fleet.system.endpoint.misbehave(spread=HEAVY_TAIL)
        heavy = await _window(fleet, LARGEST, 2 * window_s)
        of = {"critics": LARGEST[0], "calls_each": LARGEST[1], "mean_call_s": CALL_S}
        value = [heavy.slot_efficiency]
        figure(BENCHMARK, "slot_efficiency_heavy_tailed", value, "ratio", **of)


async def _window(fleet: CriticFleet, size: tuple[int, int], window_s: float) -> FleetWindow:
    """Let a fleet of this size work through enough hypotheses, and look at a window of it."""
    critics, each = size
    slots = critics * each
    await fleet.source.send(ceil(slots * (SETTLE_S + window_s + CALL_S) / CALL_S))
    await fleet.start(range(critics), each)
    await asyncio.sleep(SETTLE_S)
    begin = time.time()
    await asyncio.sleep(window_s)
    end = time.time()
    left = await fleet.waiting()
    assert left >= slots, f"the fleet ran out of work: {left} hypotheses left"
    await fleet.until_judged()
    await fleet.end_all()
    calls = calls_of(fleet.system.endpoint.lines())
    return FleetWindow(calls_per_s(calls, begin, end), slot_efficiency(calls, slots, begin, end))
