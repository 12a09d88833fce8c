"""Duration of an authorization: the part of `make bench-budget` that needs no data."""

from __future__ import annotations

import asyncio

from benchmarks.budget.throughput import one_replica


def run() -> None:
    """Print the figures."""
    asyncio.run(one_replica())
