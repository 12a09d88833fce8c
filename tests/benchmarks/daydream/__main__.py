"""`make bench-daydream [QUICK=1]`: one JSON line per figure. It needs no key and no data.

A module that adds a figure has a function that prints it, and that takes whether to be quick.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks.daydream import (
    bench_ratio,
    canaries,
    draws,
    estimates,
    first_promoted,
    prompts,
)

FIGURES: tuple[Callable[[bool], None], ...] = (
    bench_ratio.bench_ratio,
    estimates.estimates,
    canaries.canary_confounds,
    prompts.fixed_shares,
    first_promoted.first_promoted,
    draws.draws_over_uniform,
)


def main() -> None:
    """Print all figures, or those of one function by its name."""
    names = [function.__name__ for function in FIGURES]
    parser = argparse.ArgumentParser(prog="make bench-daydream", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="use fewer seeds")
    parser.add_argument("--only", choices=names, help="figure to print. Default: all")
    arguments = parser.parse_args()
    for function in FIGURES:
        if arguments.only in (None, function.__name__):
            function(arguments.quick)


if __name__ == "__main__":
    main()
