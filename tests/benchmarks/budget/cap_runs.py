"""The cap under load: reservations for single calls and for whole daydreams, by cap and workers.

Overshoot is what the endpoint billed above the cap in a run. Utilisation is what it billed, divided
by the cap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from statistics import mean
from typing import Any

from benchmarks.budget.daydreams import DaydreamReservations, daydreams
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.ledger import LifetimeCap, ledger
from benchmarks.budget.single_calls import CallReservations
from benchmarks.budget.trace import (
    INPUT_NANOUSD,
    MAX_TOKENS,
    OUTPUT_NANOUSD,
    PROMPT_SAFETY,
    USD,
    TracedCall,
    shuffled,
)
from benchmarks.budget.workers import WorkerPool
from benchmarks.figures import figure
from daydream_runtime.rpc import RpcClient

WORKERS = (1, 16, 64, 256)
CENTS = (25, 100, 1000)
JUDGED = (100, 1000)
SINGLE, WHOLE = "single-call", "whole-way"
PRICE: dict[str, Any] = {
    "usd_per_mtok_in": INPUT_NANOUSD / 1000,
    "usd_per_mtok_out": OUTPUT_NANOUSD / 1000,
    "prompt_safety": PROMPT_SAFETY[0] / PROMPT_SAFETY[1],
    "max_tokens": MAX_TOKENS,
}


@dataclass(frozen=True)
class CapRun:
    """How one run ended, in nano-dollars."""

    cap: int
    billed: int
    calls: int
    smallest_refused: int
    seconds: float

    @property
    def used(self) -> float:
        return self.billed / self.cap

    @property
    def unused_in_smallest(self) -> float:
        return (self.cap - self.billed) / self.smallest_refused


def cells(quick: bool) -> Iterator[tuple[int, int]]:
    """Yield caps in cents with workers.

    Quick: without the largest cap, which takes 90 % of the time.
    """
    return ((cents, workers) for cents in (CENTS[:2] if quick else CENTS) for workers in WORKERS)


async def measure(calls: list[TracedCall], *, quick: bool) -> dict[tuple[int, int], float]:
    """Print the figures; return calls per second by cap in cents and workers."""
    async with ledger() as rpc:
        await LifetimeCap(rpc).set(0)
        bench = CapBench(rpc, calls)
        seeds = 3 if quick else 20
        runs: dict[tuple[int, int], list[CapRun]] = {}
        for cents, workers in cells(quick):
            runs[cents, workers] = await bench.cell(SINGLE, cents, workers, seeds)
            _print(SINGLE, cents, workers, runs[cents, workers])
        _overshoot("overshoot_usd_max", runs, SINGLE)
        lowest = min(
            mean(run.used for run in cell) for (cents, _), cell in runs.items() if cents in JUDGED
        )
        judged = ", ".join(
            f"${cents // 100}" for cents in sorted({cents for cents, _ in runs} & set(JUDGED))
        )
        figure("budget", "utilisation_min", [lowest], "share", seeds=seeds, caps=judged, **PRICE)
        whole: dict[tuple[int, int], list[CapRun]] = {}
        for cents, workers in cells(quick):
            whole[cents, workers] = await bench.cell(WHOLE, cents, workers, max(1, seeds // 4))
            _print(WHOLE, cents, workers, whole[cents, workers])
        _overshoot("whole_way_overshoot_usd_max", whole, WHOLE)
        unused = [run.unused_in_smallest for cell in whole.values() for run in cell]
        figure(
            "budget", "whole_way_unused_in_smallest_reservations", unused, "reservations", **PRICE
        )
    return {key: mean(run.calls / run.seconds for run in cell) for key, cell in runs.items()}


class CapBench:
    """Make runs on one ledger.

    Runs of many workers follow each other under the cap on everything. Runs of one worker mostly
    wait for the disk, so they are made at the same time, each under the cap of its own team. Then
    the cap on everything is the sum of these.
    """

    def __init__(self, rpc: RpcClient, calls: list[TracedCall]) -> None:
        self._rpc, self._calls = rpc, calls
        self._everything = LifetimeCap(rpc)

    async def cell(self, kind: str, cents: int, workers: int, seeds: int) -> list[CapRun]:
        """Make one run per seed."""
        cap = cents * USD // 100
        if workers > 1:
            return [
                await self._run(self._everything, kind, cap, workers, seed, "")
                for seed in range(seeds)
            ]
        await self._everything.make_free(cap * seeds)
        return await asyncio.gather(*(self._alone(kind, cap, seed) for seed in range(seeds)))

    async def _alone(self, kind: str, cap: int, seed: int) -> CapRun:
        team = f"{kind}-{cap}-{seed}"
        own = LifetimeCap(self._rpc, f"team:{team}")
        await own.set(0)
        return await self._run(own, kind, cap, 1, seed, team)

    async def _run(
        self, limit: LifetimeCap, kind: str, cap: int, workers: int, seed: int, team: str
    ) -> CapRun:
        await limit.make_free(cap)
        endpoint = PricedEndpoint()
        name, order = f"{kind}-{cap}-{workers}-{seed}", cycle(shuffled(self._calls, seed))
        pool: WorkerPool[Any, Any]
        if kind == SINGLE:
            pool = WorkerPool(CallReservations(self._rpc, endpoint, name, team), order)
        else:
            pool = WorkerPool(
                DaydreamReservations(self._rpc, endpoint, name, team), daydreams(order)
            )
        started = time.perf_counter()
        await pool.run(workers)
        seconds = time.perf_counter() - started
        if (left := await limit.free()) != cap - endpoint.billed:
            raise RuntimeError(
                f"the endpoint billed {endpoint.billed}, but the ledger has {cap - left}"
            )
        return CapRun(cap, endpoint.billed, endpoint.calls, pool.smallest_refused, seconds)


def _print(reservations: str, cents: int, workers: int, runs: list[CapRun]) -> None:
    used = [run.used for run in runs]
    means = {
        "mean": round(mean(used), 6),
        "calls": round(mean(run.calls for run in runs)),
        "calls_per_s": round(mean(run.calls / run.seconds for run in runs)),
    }
    labels: dict[str, Any] = {
        "reservations": reservations,
        "cap_usd": cents / 100,
        "workers": workers,
        **means,
    }
    figure("budget", "utilisation", used, "share", overshoot_usd_max=_above(runs), **labels)


def _overshoot(name: str, by_cell: dict[tuple[int, int], list[CapRun]], reservations: str) -> None:
    runs = [run for cell in by_cell.values() for run in cell]
    figure(
        "budget",
        name,
        [_above(runs)],
        "USD",
        reservations=reservations,
        runs=len(runs),
        calls=sum(run.calls for run in runs),
    )


def _above(runs: Iterable[CapRun]) -> float:
    return max(max(0, run.billed - run.cap) for run in runs) / USD
