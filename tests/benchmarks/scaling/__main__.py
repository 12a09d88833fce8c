"""`make bench-scaling [QUICK=1]`: one JSON line per figure. It needs no key and no data.

The provider is a process that takes a second for a call, so a slot of a critic makes at most one
call a second. What the services and the two ends of the measurement need of the processor is on
the same machine: the load in each line says how busy it was.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.scaling import changing_fleet, steady_fleet

FIGURES: tuple[Callable[[bool], Awaitable[None]], ...] = (
    steady_fleet.steady_fleet,
    changing_fleet.changing_fleet,
)


def main() -> None:
    """Print all figures, or those of one function by its name."""
    names = [function.__name__ for function in FIGURES]
    parser = argparse.ArgumentParser(prog="make bench-scaling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure for a shorter time")
    parser.add_argument("--only", choices=names, help="figures to print. Default: all")
    arguments = parser.parse_args()
    for function in FIGURES:
        if arguments.only in (None, function.__name__):
            asyncio.run(function(arguments.quick))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
