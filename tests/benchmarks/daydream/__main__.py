"""`make bench-daydream [QUICK=1]`: one JSON line per figure. It needs no key and no data.

A module that adds a figure has a function that prints it, and that takes whether to be quick.
"""

from __future__ import annotations

from benchmarks.daydream import (
    bench_ratio,
    canaries,
    draws,
    estimates,
    first_promoted,
    prompts,
)
from benchmarks.figures_command import print_figures

FIGURES = (
    bench_ratio.bench_ratio,
    estimates.estimates,
    canaries.canary_confounds,
    prompts.fixed_shares,
    first_promoted.first_promoted,
    draws.draws_over_uniform,
)


def main() -> None:
    """Print all figures, or those of one function by its name."""
    print_figures("make bench-daydream", __doc__, FIGURES, "use fewer seeds")


if __name__ == "__main__":
    main()
