"""The peer `snipz` on SQLite: `python -m benchmarks.budget.snipz_peer TRACE SEEDS`.

It needs an interpreter that snipz supports. It prints one JSON line per cap and workers, with the
billed amount, the calls and the seconds of each seed.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.trace import USD, TracedCall, read, shuffled
from benchmarks.budget.workers import Refused, WorkerPool

CELLS = [(cents, workers) for cents in (25, 100) for workers in (16, 64)]


class Snipz:
    """One reservation per call, in nano-dollars."""

    def __init__(self, snipz: Any, budget: Any, scope: Any, endpoint: PricedEndpoint) -> None:
        self._snipz, self._budget, self._scope, self._endpoint = snipz, budget, scope, endpoint

    def smallest(self, work: TracedCall) -> int:
        return work.bound

    async def admit(self, work: TracedCall) -> tuple[TracedCall, Any] | Refused:
        try:
            return work, await _patiently(
                lambda: self._budget.reserve(self._scope, Decimal(work.bound))
            )
        except self._snipz.BudgetExceededError:
            return Refused()

    async def spend(self, ticket: tuple[TracedCall, Any]) -> int:
        call, reservation = ticket
        cost = await self._endpoint.answer(call)
        await _patiently(lambda: reservation.commit(Decimal(cost)))
        return call.bound - cost


async def _patiently(request: Callable[[], Awaitable[Any]]) -> Any:
    """Retry while the file is locked: with many workers snipz gives up after 5 s."""
    while True:
        try:
            return await request()
        except sqlite3.OperationalError as locked:
            if "locked" not in str(locked):
                raise


async def run(
    calls: list[TracedCall], cents: int, workers: int, seed: int
) -> tuple[int, int, float]:
    """Return the billed amount, the calls and the seconds of one run."""
    import snipz

    endpoint = PricedEndpoint()
    with tempfile.TemporaryDirectory() as folder:
        budget = snipz.Budget(str(Path(folder) / "snipz.db"))
        await budget.migrate()
        scope = snipz.Scope("lab", "one")
        await budget.set_limit(scope, Decimal(cents * USD // 100))
        started = time.perf_counter()
        await WorkerPool(Snipz(snipz, budget, scope, endpoint), cycle(shuffled(calls, seed))).run(
            workers
        )
        seconds = time.perf_counter() - started
        await budget.close()
    return endpoint.billed, endpoint.calls, seconds


def main() -> None:
    """Print the runs."""
    calls = read(Path(sys.argv[1]))
    for cents, workers in CELLS:
        runs = [asyncio.run(run(calls, cents, workers, seed)) for seed in range(int(sys.argv[2]))]
        print(json.dumps({"cents": cents, "workers": workers, "runs": runs}), flush=True)


if __name__ == "__main__":
    main()
