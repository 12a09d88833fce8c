"""`make bench-documents [QUICK=1]`: one JSON line per figure."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Callable

from benchmarks.documents import peak_memory, speed
from benchmarks.documents.cases import CASES, wrong
from benchmarks.documents.labelled import junk_facts, labelled_passages, lost_content
from benchmarks.figures import figure, interval_figure

UNITS = {"hostile_rss_mb_max": "MB"}


def measure_cases(*, quick: bool) -> None:
    """Print `cases_right`, and what is wrong with the others."""
    faults = {case.name: wrong(case) for case in CASES}
    for name, found_wrong in faults.items():
        if found_wrong:
            print(f"{name}: {'; '.join(found_wrong)}", file=sys.stderr)
    right = [float(not found_wrong) for found_wrong in faults.values()]
    interval_figure("documents", "cases_right", right, statistics.fmean, "share")


def measure_passages(*, quick: bool) -> None:
    """Print the shares of junk facts and of lost content on the half that was held out."""
    held_out = labelled_passages("held-out")
    shares = {
        "junk_facts_share": (junk_facts(held_out), "share of facts"),
        "content_lost_share": (lost_content(held_out), "share of letters"),
    }
    for name, (values, unit) in shares.items():
        interval_figure(
            "documents",
            name,
            values,
            statistics.fmean,
            unit,
            passages=len(held_out),
            half="held-out",
        )


def measure_hostile(*, quick: bool) -> None:
    """Print what hostile documents cost at most."""
    from benchmarks.documents.hostile import hostile_figures  # starts the pool of readers

    for name, value in asyncio.run(hostile_figures()).items():
        figure("documents", name, [value], UNITS.get(name, "s"))


PARTS: dict[str, Callable[..., None]] = {
    "cases": measure_cases,
    "passages": measure_passages,
    "speed": speed.measure,
    "memory": peak_memory.measure,
    "hostile": measure_hostile,
}


def main() -> int:
    """Run all parts, or one."""
    parser = argparse.ArgumentParser(prog="make bench-documents", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="use fewer and smaller documents")
    parser.add_argument("--only", choices=list(PARTS), help="part to run. Default: all")
    arguments = parser.parse_args()
    for name, measure in PARTS.items():
        if arguments.only in (None, name):
            measure(quick=arguments.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
