"""The peer `snipz` on SQLite, run by an interpreter that it supports: `python -m benchmarks.budget.snipz_peer trace seeds`.
Prints one JSON line a cell: cap and workers, and for each seed what was billed, the calls and the seconds."""

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

from benchmarks.budget.desk import Desk, Short
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.trace import USD, Call, read, shuffled

CELLS = [(cents, workers) for cents in (25, 100) for workers in (16, 64)]


class Snipz:
    """One reservation a call, in nano-dollars."""

    def __init__(self, snipz: Any, budget: Any, scope: Any, endpoint: PricedEndpoint) -> None:
        self._snipz, self._budget, self._scope, self._endpoint = snipz, budget, scope, endpoint

    def smallest(self, work: Call) -> int:
        return work.bound

    async def admit(self, work: Call) -> tuple[Call, Any] | Short:
        try:
            return work, await _patiently(
                lambda: self._budget.reserve(self._scope, Decimal(work.bound))
            )
        except self._snipz.BudgetExceededError:
            return Short()

    async def spend(self, ticket: tuple[Call, Any]) -> int:
        call, reservation = ticket
        cost = await self._endpoint.answer(call)
        await _patiently(lambda: reservation.commit(Decimal(cost)))
        return call.bound - cost


async def _patiently(what: Callable[[], Awaitable[Any]]) -> Any:
    """With many workers it gives up waiting for its file's lock after 5 s: then it is asked again, which is in its favour."""
    while True:
        try:
            return await what()
        except sqlite3.OperationalError as locked:
            if "locked" not in str(locked):
                raise


async def run(calls: list[Call], cents: int, workers: int, seed: int) -> tuple[int, int, float]:
    """Billed, calls, seconds."""
    import snipz

    endpoint = PricedEndpoint()
    with tempfile.TemporaryDirectory() as folder:
        budget = snipz.Budget(str(Path(folder) / "snipz.db"))
        await budget.migrate()
        scope = snipz.Scope("lab", "one")
        await budget.set_limit(scope, Decimal(cents * USD // 100))
        started = time.perf_counter()
        await Desk(Snipz(snipz, budget, scope, endpoint), cycle(shuffled(calls, seed))).run(workers)
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
