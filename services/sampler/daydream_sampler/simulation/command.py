"""Run the toy economy with and without write-back, and print JSON for `daydream simulate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from daydream_sampler.simulation.economy import EconomyParams, simulate

Z95 = 1.96
SETTLED = 0.2  # the share of the periods at the start that the trend leaves out


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both economies with the same seeds."""
    params, seeds = _parsed(arguments)
    results = {}
    for name, write_back in (("with_write_back", True), ("without", False)):
        runs = []
        for seed in range(seeds):
            runs.append(simulate(params, seed, write_back=write_back))
            print(f"{name}: seed {seed + 1} of {seeds}", file=sys.stderr, flush=True)  # noqa: T201
        results[name] = summary(runs, params.periods)
    print(json.dumps({"world": vars(params), "seeds": seeds, **results}))  # noqa: T201
    return 0


def _parsed(arguments: Sequence[str] | None) -> tuple[EconomyParams, int]:
    default = EconomyParams()
    parser = argparse.ArgumentParser(
        prog="python -m daydream_sampler.simulation.command", description=__doc__
    )
    parser.add_argument("--facts", type=int, default=default.facts, help="facts at the beginning")
    parser.add_argument("--draws", type=int, default=default.draws, help="draws per period")
    parser.add_argument("--periods", type=int, default=default.periods, help="number of periods")
    parser.add_argument(
        "--generated-max",
        type=float,
        default=default.generated_share_max,
        help="maximum share of draws that may use a generated insight",
    )
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds")
    options = parser.parse_args(arguments)
    params = EconomyParams(
        facts=options.facts,
        draws=options.draws,
        periods=options.periods,
        generated_share_max=options.generated_max,
    )
    return params, options.seeds


def summary(runs: Sequence[Sequence[int]], periods: int) -> dict[str, Any]:
    """Return the mean hits of each period with a 95 % interval over the seeds, and the trend.

    The trend is how many more hits (negative: fewer) a period has than the one before.
    """
    table = np.array([[*run, *([0] * (periods - len(run)))] for run in runs], float)
    error = np.full(periods, np.nan)
    if len(table) > 1:
        error = Z95 * table.std(axis=0, ddof=1) / len(table) ** 0.5
    start = int(periods * SETTLED)
    slopes = np.array([np.polyfit(np.arange(start, periods), row[start:], 1)[0] for row in table])
    slope_error = Z95 * slopes.std(ddof=1) / len(slopes) ** 0.5 if len(slopes) > 1 else float("nan")
    mean = table.mean(axis=0)
    return {
        "hits": mean.round(3).tolist(),
        "low": (mean - error).round(3).tolist(),
        "high": (mean + error).round(3).tolist(),
        "trend": round(float(slopes.mean()), 4),
        "trend_low": round(float(slopes.mean() - slope_error), 4),
        "trend_high": round(float(slopes.mean() + slope_error), 4),
    }


if __name__ == "__main__":
    sys.exit(main())
