"""`make bench-scaling [QUICK=1]`: one JSON line per figure. It needs no key and no data.

The provider is a process that takes a second for a call, so a slot of a critic makes at most one
call a second. What the services and the two ends of the measurement need of the processor is on
the same machine: the load in each line says how busy it was.
"""

from __future__ import annotations

from benchmarks.figures_command import print_figures
from benchmarks.scaling import changing_fleet, steady_fleet

FIGURES = (
    steady_fleet.steady_fleet,
    changing_fleet.changing_fleet,
)


def main() -> None:
    """Print all figures, or those of one function by its name."""
    print_figures("make bench-scaling", __doc__, FIGURES, "measure for a shorter time")


if __name__ == "__main__":
    main()
