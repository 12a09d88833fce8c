"""`make soak [MINUTES=60]`: one JSON line per figure. It needs no key and no data."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks.figures import MACHINE
from benchmarks.soak.measurements import Measurement, open_files_of, rss_of, slope
from benchmarks.soak.run import Soak, soak

NANO = 1e9


def main() -> None:
    """Run the soak and print the figures."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long it runs")
    parser.add_argument("--series", type=Path, help="write all measurements here, as JSON lines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(soak(options.minutes, Path(folder)))
    if options.series:
        lines = [json.dumps(asdict(each)) for each in result.series]
        options.series.write_text("\n".join(lines) + "\n")
    SoakFigures(result, options.minutes).show()


class SoakFigures:
    """Print what a soak has shown. Slopes are per hour, with their 95 % intervals."""

    def __init__(self, result: Soak, minutes: float) -> None:
        self._result = result
        self._minutes = minutes

    def show(self) -> None:
        """Print one line per figure."""
        series = self._result.series
        first, last = series[0], series[-1]
        daydreams = last.verdicts - first.verdicts
        self._line("daydreams_per_s", daydreams / (last.at_s - first.at_s), "1/s")
        for process in last.rss_mb:
            self._line("rss_mb", last.rss_mb[process], "MB", process=process)
        for process in last.rss_mb:
            self._slope("rss_slope_mb_per_h", rss_of(process), "MB/h", process=process)
        for process in last.open_files:
            self._slope("open_files_slope", open_files_of(process), "files/h", process=process)
        self._slope("consumers_slope", lambda each: each.consumers, "consumers/h")
        self._slope("lag_slope", lambda each: each.lag, "messages/h")
        stored = 1000 * (last.stored_mb - first.stored_mb) / daydreams
        self._line("stored_mb_per_1000_daydreams", stored, "MB")
        self._slope("stored_files_slope", lambda each: each.stored_files, "files/h")
        self._slope("ledger_minus_witness_slope", _ledger_minus_witness, "USD/h")
        least = min(map(_ledger_minus_witness, series))
        self._line("ledger_minus_witness_usd_min", least, "USD")
        budget, memory, sampler = (
            self._result.end.budget,
            self._result.end.memory,
            self._result.end.sampler,
        )
        assert budget is not None
        assert memory is not None
        assert sampler is not None
        difference = (budget.settled_nanousd - self._result.billed) / NANO
        self._line("ledger_minus_witness_usd", difference, "USD", when="at the end")
        self._line("drawn_without_verdict", sampler.drawn - memory.verdicts, "daydreams")
        self._line("dead_letters", self._result.end.dead_letters, "messages")

    def _slope(
        self, name: str, value: Callable[[Measurement], float], unit: str, **context: str
    ) -> None:
        change = slope(self._result.series, value)
        ends = {"low": round(change.low, 4), "high": round(change.high, 4)}
        self._line(name, change.per_h, unit, **ends, **context)

    def _line(self, name: str, value: float, unit: str, **context: str | float) -> None:
        line = {
            "benchmark": "soak",
            "figure": name,
            "value": round(value, 9 if unit == "USD" else 4),
            "unit": unit,
            **context,
            "minutes": self._minutes,
            "n": len(self._result.series),
            **MACHINE,
            "load": round(os.getloadavg()[0], 2),
        }
        print(json.dumps(line), flush=True)


def _ledger_minus_witness(each: Measurement) -> float:
    return (each.spent - each.billed) / NANO


if __name__ == "__main__":
    main()
