"""`python -m daydream_sampler.simulation.command`: the toy economy with and without write-back, as one JSON document. `daydream simulate` shows it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from daydream_sampler.simulation.economy import EconomyParams, live

Z95 = 1.96
SETTLED = (
    1 / 5
)  # of the periods pass before the trend is taken: at first both use up the best of what was there


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both worlds with the same seeds."""
    parser = argparse.ArgumentParser(
        prog="python -m daydream_sampler.simulation.command", description=__doc__
    )
    default = EconomyParams()
    parser.add_argument("--facts", type=int, default=default.facts)
    parser.add_argument("--draws", type=int, default=default.draws, help="in each period")
    parser.add_argument("--periods", type=int, default=default.periods)
    parser.add_argument(
        "--generated-max",
        type=float,
        default=default.generated_share_max,
        help="most of all draws that may have an insight",
    )
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args(arguments)
    world = EconomyParams(
        facts=asked.facts,
        draws=asked.draws,
        periods=asked.periods,
        generated_share_max=asked.generated_max,
    )
    found = {}
    for name, write_back in (("with_write_back", True), ("without", False)):
        lives = []
        for seed in range(asked.seeds):
            lives.append(live(world, seed, write_back=write_back))
            print(f"{name}: seed {seed + 1} of {asked.seeds}", file=sys.stderr, flush=True)  # noqa: T201
        found[name] = summary(lives, asked.periods)
    print(json.dumps({"world": vars(world), "seeds": asked.seeds, **found}))  # noqa: T201
    return 0


def summary(lives: Sequence[Sequence[int]], periods: int) -> dict[str, Any]:
    """Mean hits of each period with the 95 % interval over the seeds, and the trend: hits more or less from one period to the next."""
    table = np.array([[*one, *([0] * (periods - len(one)))] for one in lives], float)
    error = (
        Z95 * table.std(axis=0, ddof=1) / len(table) ** 0.5
        if len(table) > 1
        else np.full(periods, np.nan)
    )
    start = int(periods * SETTLED)
    slopes = np.array([np.polyfit(np.arange(start, periods), one[start:], 1)[0] for one in table])
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
