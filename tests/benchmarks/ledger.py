"""How long a draw takes, near the cap and alone: a part of `make bench-budget` that needs no data. See `benchmarks.budget`."""

from __future__ import annotations

import asyncio

from benchmarks.budget.throughput import one_replica


def run() -> None:
    """Print the figures."""
    asyncio.run(one_replica())
