"""`make bench-pipeline [QUICK=1]`: one JSON line per figure. It needs no key and no data."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.pipeline import faults, latency, start, steady_state

FIGURES: tuple[Callable[[bool], Awaitable[None]], ...] = (
    start.start,
    steady_state.steady_state,
    latency.latency,
    faults.faults,
    faults.slow_calls,
)


def main() -> None:
    """Print all figures, or those of one function by its name."""
    names = [function.__name__ for function in FIGURES]
    parser = argparse.ArgumentParser(prog="make bench-pipeline", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure fewer daydreams")
    parser.add_argument("--only", choices=names, help="figures to print. Default: all")
    arguments = parser.parse_args()
    for function in FIGURES:
        if arguments.only in (None, function.__name__):
            asyncio.run(function(arguments.quick))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
