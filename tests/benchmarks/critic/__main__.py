"""`make bench-critic DATA=folder [QUICK=1]`: one JSON line a figure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.critic import free_text, gates, pairwise, panels, thresholds, yields
from benchmarks.sampler import worlds

PUBLISHED = (
    "ratings.csv and verdicts_*.txt from https://github.com/artificial-scientist-lab/SciMuse (data/, MIT); "
    "evaluations in prose with scores.csv from https://github.com/zby/DayDreamingDayDreaming (tests/fixtures/eval_responses, Apache-2.0); "
    "simulated-judges.json and scripted-world.json describe simulated judges"
)
PARTS = {
    pairwise: worlds.SCIMUSE_FILE,
    panels: panels.FILE,
    thresholds: panels.FILE,
    yields: yields.FILE,
    free_text: free_text.FILE,
}


def main() -> int:
    """Run what the data are there for."""
    parser = argparse.ArgumentParser(
        prog="make bench-critic", description=__doc__, epilog=f"The data are {PUBLISHED}."
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="a folder with the data, or with folders that have them",
    )
    parser.add_argument("--quick", action="store_true", help="fewer shuffles and seeds")
    parser.add_argument(
        "--only",
        choices=["gates", *(part.__name__.rpartition(".")[2] for part in PARTS)],
        help="one part of it",
    )
    asked = parser.parse_args()
    found = {
        part: worlds.find(asked.data, name)
        for part, name in PARTS.items()
        if not asked.only or part.__name__.endswith(f".{asked.only}")
    }
    if asked.only in (None, "gates"):
        gates.measure()
    if not any(found.values()) and asked.only != "gates":
        print(
            f"bench-critic: no data in {asked.data}. Say DATA=folder, with {PUBLISHED} in it.",
            file=sys.stderr,
        )
        return 2
    for part, file in found.items():
        if file is not None:
            part.measure(file, quick=asked.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
