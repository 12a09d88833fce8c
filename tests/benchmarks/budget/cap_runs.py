"""The cap under load: reservations for single calls and for whole daydreams, by cap and workers.

Overshoot is what the endpoint billed above the cap until a run stopped. Utilisation is what it
billed, divided by the cap. What a run leaves unused is stated in upper bounds of the smallest call
that waits when it stops. After that the cap is raised, so that daydreams in progress can end.
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
from daydream_contracts.rpc import BudgetState, EmptyRequest
from daydream_contracts.topology import BUDGET_STATE
from daydream_runtime.rpc import RpcClient

WORKERS = (1, 16, 64, 256)
CENTS = (25, 100, 1000)
JUDGED = (100, 1000)
SINGLE, WHOLE = "single-call", "whole-daydream"
KINDS = (SINGLE, WHOLE)
BEYOND = 1_000 * USD  # what a stopped run gets, so that its daydreams can end
STARTED = 50  # daydreams that end before the reservation ratio is measured
PRICE: dict[str, Any] = {
    "usd_per_mtok_in": INPUT_NANOUSD / 1000,
    "usd_per_mtok_out": OUTPUT_NANOUSD / 1000,
    "prompt_safety": PROMPT_SAFETY[0] / PROMPT_SAFETY[1],
}
Cell = tuple[str, int, int, int]
"""Kind of reservation, maximum tokens, cap in cents, workers."""


@dataclass(frozen=True)
class CapRun:
    """How one run ended, in nano-dollars."""

    cap: int
    billed: int
    calls: int
    smallest_call: int
    seconds: float

    @property
    def used(self) -> float:
        return self.billed / self.cap

    @property
    def unused_in_call_bounds(self) -> float:
        return (self.cap - self.billed) / self.smallest_call


def cells(quick: bool) -> Iterator[tuple[int, int]]:
    """Yield caps in cents with workers.

    Quick: without the largest cap, which takes 90 % of the time.
    """
    return ((cents, workers) for cents in (CENTS[:2] if quick else CENTS) for workers in WORKERS)


def seeds_of(cents: int, quick: bool) -> int:
    """Return the number of runs of a cell: fewer of the largest cap."""
    if quick:
        return 2
    return 3 if cents == max(CENTS) else 10


async def measure(
    calls_of: dict[int, list[TracedCall]], *, quick: bool
) -> dict[tuple[int, int], float]:
    """Print the figures for each maximum of tokens.

    Return the calls per second of single calls with the lowest one, by cap in cents and workers.
    """
    runs: dict[Cell, list[CapRun]] = {}
    for max_tokens, calls in calls_of.items():
        async with ledger() as rpc:
            await LifetimeCap(rpc).set(0)
            bench = CapBench(rpc, calls)
            for kind in KINDS:
                for cents, workers in cells(quick):
                    cell = (kind, max_tokens, cents, workers)
                    runs[cell] = await bench.cell(kind, cents, workers, seeds_of(cents, quick))
                    _print(cell, runs[cell])
            bench.print_reservation_ratio(max_tokens)
    _summarize(runs)
    return {
        (cents, workers): mean(run.calls / run.seconds for run in cell)
        for (kind, max_tokens, cents, workers), cell in runs.items()
        if (kind, max_tokens) == (SINGLE, MAX_TOKENS[0])
    }


class CapBench:
    """Make runs on one ledger.

    Runs of many workers follow each other under the cap on everything. Runs of one worker mostly
    wait for the disk, so they are made at the same time, each under its own team's cap.
    """

    def __init__(self, rpc: RpcClient, calls: list[TracedCall]) -> None:
        self._rpc, self._calls = rpc, calls
        self._everything = LifetimeCap(rpc)
        self._started: BudgetState | None = None  # after the first daydreams
        self._last: BudgetState | None = None

    async def cell(self, kind: str, cents: int, workers: int, seeds: int) -> list[CapRun]:
        """Make one run per seed."""
        cap = cents * USD // 100
        if workers > 1:
            runs = [
                await self._run(self._everything, kind, cap, workers, seed, "")
                for seed in range(seeds)
            ]
        else:
            await self._everything.make_free(seeds * (cap + BEYOND))
            runs = await asyncio.gather(*(self._alone(kind, cap, seed) for seed in range(seeds)))
        self._last = await self._rpc.request(BUDGET_STATE, EmptyRequest())
        if self._started is None and self._last.daydreams_paid >= STARTED and kind == WHOLE:
            self._started = self._last
        return runs

    def print_reservation_ratio(self, max_tokens: int) -> None:
        """Print reserved ÷ settled over the daydreams that ended after the first ones."""
        first, last = self._started, self._last
        if first is None or last is None:
            raise RuntimeError(f"fewer than {STARTED} daydreams have ended")
        reserved = last.daydreams_reserved_nanousd - first.daydreams_reserved_nanousd
        settled = last.daydreams_nanousd - first.daydreams_nanousd
        figure(
            "budget",
            "reservation_ratio",
            [reserved / settled],
            "ratio",
            max_tokens=max_tokens,
            daydreams=last.daydreams_paid - first.daydreams_paid,
        )

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
            keeper = DaydreamReservations(self._rpc, endpoint, name, team)
            pool = WorkerPool(keeper, daydreams(order), keeper.room, keeper.give_up)
        started = time.perf_counter()
        stopped: list[CapRun] = []

        async def on_stop() -> None:
            seconds, smallest = time.perf_counter() - started, pool.room.smallest
            stopped.append(CapRun(cap, endpoint.billed, endpoint.calls, smallest, seconds))
            await limit.raise_by(BEYOND)

        await pool.run(workers, on_stop)
        if (left := await limit.free()) != cap + BEYOND - endpoint.billed:
            raise RuntimeError(
                f"the endpoint billed {endpoint.billed}, but the ledger has {cap + BEYOND - left}"
            )
        return stopped[0]


def _print(cell: Cell, runs: list[CapRun]) -> None:
    kind, max_tokens, cents, workers = cell
    used = [run.used for run in runs]
    labels: dict[str, Any] = {
        "reservations": kind,
        "max_tokens": max_tokens,
        "cap_usd": cents / 100,
        "workers": workers,
        "mean": round(mean(used), 6),
        "unused_in_call_bounds_max": round(max(run.unused_in_call_bounds for run in runs), 6),
        "calls": round(mean(run.calls for run in runs)),
        "calls_per_s": round(mean(run.calls / run.seconds for run in runs)),
    }
    figure("budget", "utilisation", used, "share", overshoot_usd_max=_above(runs), **labels)


def _summarize(runs: dict[Cell, list[CapRun]]) -> None:
    """Print what must hold over all cells."""
    all_runs = [run for cell in runs.values() for run in cell]
    labels: dict[str, Any] = {"runs": len(all_runs), **PRICE}
    calls = sum(run.calls for run in all_runs)
    figure("budget", "overshoot_usd_max", [_above(all_runs)], "USD", calls=calls, **labels)
    for max_tokens in MAX_TOKENS:
        judged = [
            mean(run.used for run in cell)
            for (_, tokens, cents, _), cell in runs.items()
            if tokens == max_tokens and cents in JUDGED
        ]
        figure("budget", "utilisation_min", [min(judged)], "share", max_tokens=max_tokens, **labels)
    unused = [run.unused_in_call_bounds for run in all_runs]
    figure("budget", "unused_in_call_bounds_max", [max(unused)], "call bounds", **labels)


def _above(runs: Iterable[CapRun]) -> float:
    return max(max(0, run.billed - run.cap) for run in runs) / USD
