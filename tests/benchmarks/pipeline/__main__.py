"""`make bench-pipeline [QUICK=1]`: one JSON line per figure. It needs no key and no data."""

from __future__ import annotations

from benchmarks.figures_command import print_figures
from benchmarks.pipeline import faults, latency, start, steady_state

FIGURES = (
    start.start,
    steady_state.steady_state,
    latency.latency,
    faults.faults,
    faults.slow_calls,
)


def main() -> None:
    """Print all figures, or those of one function by its name."""
    print_figures("make bench-pipeline", __doc__, FIGURES, "measure fewer daydreams")


if __name__ == "__main__":
    main()
