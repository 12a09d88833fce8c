"""Calls a second as critics are added, and what their slots do.

Linear is what one slot makes alone, times the number of slots. One system judges all of it; the
critics are stopped and others are started in between. A window begins when the slots are busy.

| figure | what is measured |
|---|---|
| `critic_scaling_32` | calls a second ÷ what is linear |
| `slot_efficiency` | share of the slots' time in which the provider works for them |
| `slot_occupancy` | share of the slots that have a hypothesis; the rest waits for one |
| `cores_used` | processor time of all services and of NATS per second, without the provider |
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from benchmarks.figures import figure
from benchmarks.scaling.fleet import CALL_S, CriticFleet, critic_fleet
from benchmarks.scaling.provider_log import calls_of, calls_per_s, slot_efficiency

FLEETS = ((1, 1), (1, 8), (2, 8), (4, 8))  # critics, calls in flight of each
LARGEST = FLEETS[-1]
SAMPLE_S = 0.13  # no divisor of a call
SETTLE_S = 8.0  # until the slots are busy: the gateway begins with few calls, and finds out
WINDOW_S, WINDOW_QUICK_S = 30.0, 15.0
HEAVY_TAIL = 1.0  # standard deviation of the logarithm of the lengths: one in 100 takes 6 times
BENCHMARK = "scaling"


@dataclass(frozen=True)
class FleetWindow:
    """What was seen of a fleet in a window."""

    calls_per_s: float
    slot_efficiency: float
    slot_occupancy: float
    cores_used: float


async def steady_fleet(quick: bool) -> None:
    """Print the figures."""
    window_s = WINDOW_QUICK_S if quick else WINDOW_S
    async with critic_fleet() as fleet:
        seen = {size: await _window(fleet, size, window_s) for size in FLEETS}
        one_slot_per_s = seen[1, 1].calls_per_s
        for (critics, each), window in seen.items():
            slots = critics * each
            of: dict[str, str | float] = {"critics": critics, "calls_each": each, "call_s": CALL_S}
            figure(BENCHMARK, "calls_per_s", [window.calls_per_s], "1/s", seed=None, **of)
            scaling = window.calls_per_s / (slots * one_slot_per_s)
            figure(BENCHMARK, f"critic_scaling_{slots}", [scaling], "ratio", seed=None, **of)
            _print_slots(window, "", of)
        fleet.system.endpoint.misbehave(spread=HEAVY_TAIL)
        heavy = await _window(fleet, LARGEST, 2 * window_s)
        of = {"critics": LARGEST[0], "calls_each": LARGEST[1], "mean_call_s": CALL_S}
        _print_slots(heavy, "_heavy_tailed", of)


def _print_slots(window: FleetWindow, suffix: str, of: Mapping[str, str | float]) -> None:
    rows = (
        ("slot_efficiency", window.slot_efficiency, "ratio"),
        ("slot_occupancy", window.slot_occupancy, "ratio"),
        ("cores_used", window.cores_used, "cores"),
    )
    for name, value, unit in rows:
        figure(BENCHMARK, f"{name}{suffix}", [value], unit, seed=None, **of)


async def _window(fleet: CriticFleet, size: tuple[int, int], window_s: float) -> FleetWindow:
    """Let a fleet of this size work through enough hypotheses, and look at a window of it."""
    critics, each = size
    slots = critics * each
    await fleet.source.send(ceil(slots * (SETTLE_S + window_s + CALL_S) / CALL_S))
    await fleet.start(range(critics), each)
    await asyncio.sleep(SETTLE_S)
    begin, used_s = time.time(), fleet.cpu_s()
    occupied = await _occupied(fleet, window_s)
    end, used_s = time.time(), fleet.cpu_s() - used_s
    left = await fleet.waiting()
    assert left >= slots, f"the fleet ran out of work: {left} hypotheses left"
    await fleet.until_judged()
    await fleet.end_all()
    calls = calls_of(fleet.system.endpoint.lines())
    return FleetWindow(
        calls_per_s(calls, begin, end),
        slot_efficiency(calls, slots, begin, end),
        occupied / slots,
        used_s / (end - begin),
    )


async def _occupied(fleet: CriticFleet, window_s: float) -> float:
    """Return how many hypotheses the slots had on average in the coming seconds."""
    ends = time.monotonic() + window_s
    counts = []
    while time.monotonic() < ends:
        counts.append(await fleet.in_progress())
        await asyncio.sleep(SAMPLE_S)
    return statistics.fmean(counts)
