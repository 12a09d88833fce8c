"""The cap under load: workers against caps, with reservations for single calls and for the whole way of a daydream.

Overshoot is what the endpoint billed above the cap in a run; utilisation is what it billed by the cap.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from statistics import mean
from typing import Any

from benchmarks.budget.desk import Desk
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.ledger import Cap, ledger
from benchmarks.budget.single import SingleCalls
from benchmarks.budget.trace import (
    INPUT_NANOUSD,
    MAX_TOKENS,
    OUTPUT_NANOUSD,
    PROMPT_SAFETY,
    USD,
    Call,
    shuffled,
)
from benchmarks.budget.wholeway import WholeWays, daydreams
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
class Run:
    """How one run ended."""

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
    """Caps in cents with workers; the quick variant leaves out the largest cap, which takes nine tenths of the time."""
    return ((cents, workers) for cents in (CENTS[:2] if quick else CENTS) for workers in WORKERS)


async def measure(calls: list[Call], *, quick: bool) -> dict[tuple[int, int], float]:
    """Print the figures; calls a second for each cap in cents and workers."""
    async with ledger() as ask:
        await Cap(ask).set(0)
        bench = Bench(ask, calls)
        seeds = 3 if quick else 20
        runs: dict[tuple[int, int], list[Run]] = {}
        for cents, workers in cells(quick):
            runs[cents, workers] = await bench.cell(SINGLE, cents, workers, seeds)
            _print(SINGLE, cents, workers, runs[cents, workers])
        _overshoot("overshoot_usd_max", runs, SINGLE)
        lowest = min(
            mean(run.used for run in found) for (cents, _), found in runs.items() if cents in JUDGED
        )
        judged = ", ".join(
            f"${cents // 100}" for cents in sorted({cents for cents, _ in runs} & set(JUDGED))
        )
        figure("budget", "utilisation_min", [lowest], "share", seeds=seeds, caps=judged, **PRICE)
        branches = {}
        for cents, workers in cells(quick):
            branches[cents, workers] = await bench.cell(WHOLE, cents, workers, max(1, seeds // 4))
            _print(WHOLE, cents, workers, branches[cents, workers])
        _overshoot("whole_way_overshoot_usd_max", branches, WHOLE)
        unused = [run.unused_in_smallest for found in branches.values() for run in found]
        figure(
            "budget", "whole_way_unused_in_smallest_reservations", unused, "reservations", **PRICE
        )
    return {cell: mean(run.calls / run.seconds for run in found) for cell, found in runs.items()}


class Bench:
    """Runs on one ledger. Runs of many workers follow each other under the cap on everything; those of one worker, which mostly
    wait for the disk, are made side by side, each under a cap of its own team, and the cap on everything is the sum of these."""

    def __init__(self, ask: RpcClient, calls: list[Call]) -> None:
        self._ask, self._calls = ask, calls
        self._everything = Cap(ask)

    async def cell(self, kind: str, cents: int, workers: int, seeds: int) -> list[Run]:
        """One run for each seed."""
        cap = cents * USD // 100
        if workers > 1:
            return [
                await self._run(self._everything, kind, cap, workers, seed, "")
                for seed in range(seeds)
            ]
        await self._everything.make_free(cap * seeds)
        return await asyncio.gather(*(self._alone(kind, cap, seed) for seed in range(seeds)))

    async def _alone(self, kind: str, cap: int, seed: int) -> Run:
        team = f"{kind}-{cap}-{seed}"
        own = Cap(self._ask, f"team:{team}")
        await own.set(0)
        return await self._run(own, kind, cap, 1, seed, team)

    async def _run(
        self, limit: Cap, kind: str, cap: int, workers: int, seed: int, team: str
    ) -> Run:
        await limit.make_free(cap)
        endpoint = PricedEndpoint()
        name, order = f"{kind}-{cap}-{workers}-{seed}", cycle(shuffled(self._calls, seed))
        desk: Desk[Any, Any]
        if kind == SINGLE:
            desk = Desk(SingleCalls(self._ask, endpoint, name, team), order)
        else:
            desk = Desk(WholeWays(self._ask, endpoint, name, team), daydreams(order))
        started = time.perf_counter()
        await desk.run(workers)
        seconds = time.perf_counter() - started
        if (left := await limit.free()) != cap - endpoint.billed:
            raise RuntimeError(
                f"the endpoint has billed {endpoint.billed}, and the ledger says {cap - left}"
            )
        return Run(cap, endpoint.billed, endpoint.calls, desk.smallest_refused, seconds)


def _print(reservations: str, cents: int, workers: int, runs: list[Run]) -> None:
    used = [run.used for run in runs]
    means = {
        "mean": round(mean(used), 6),
        "calls": round(mean(run.calls for run in runs)),
        "calls_per_s": round(mean(run.calls / run.seconds for run in runs)),
    }
    details: dict[str, Any] = {
        "reservations": reservations,
        "cap_usd": cents / 100,
        "workers": workers,
        **means,
    }
    figure("budget", "utilisation", used, "share", overshoot_usd_max=_above(runs), **details)


def _overshoot(name: str, by_cell: dict[tuple[int, int], list[Run]], reservations: str) -> None:
    runs = [run for found in by_cell.values() for run in found]
    figure(
        "budget",
        name,
        [_above(runs)],
        "USD",
        reservations=reservations,
        runs=len(runs),
        calls=sum(run.calls for run in runs),
    )


def _above(runs: Iterable[Run]) -> float:
    return max(max(0, run.billed - run.cap) for run in runs) / USD
