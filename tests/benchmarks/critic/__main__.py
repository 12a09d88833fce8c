"""`make bench-critic DATA=folder [QUICK=1]`: one JSON line a figure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.critic import pairwise, panels
from benchmarks.sampler import worlds

PUBLISHED = (
    "ratings.csv and verdicts_*.txt from https://github.com/artificial-scientist-lab/SciMuse (data/, MIT); "
    "simulated-judges.json describes panels of simulated judges"
)


def main() -> int:
    """Run what the data are there for."""
    parser = argparse.ArgumentParser(prog="make bench-critic", description=__doc__, epilog=f"The data are {PUBLISHED}.")
    parser.add_argument("--data", type=Path, required=True, help="a folder with the data, or with folders that have them")
    parser.add_argument("--quick", action="store_true", help="fewer shuffles and seeds")
    asked = parser.parse_args()
    ratings, judges = worlds.find(asked.data, worlds.SCIMUSE_FILE), worlds.find(asked.data, panels.FILE)
    if ratings is None and judges is None:
        print(f"bench-critic: no data in {asked.data}. Say DATA=folder, with {PUBLISHED} in it.", file=sys.stderr)
        return 2
    if ratings is not None:
        pairwise.measure(ratings, quick=asked.quick)
    if judges is not None:
        panels.measure(judges, quick=asked.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
