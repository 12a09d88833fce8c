"""`make bench-critic DATA=folder [QUICK=1]`: one JSON line per figure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.critic import free_text, gates, pairwise, panels, prejudice, thresholds, yields
from benchmarks.sampler import worlds

PUBLISHED = (
    "ratings.csv and verdicts_*.txt from https://github.com/artificial-scientist-lab/SciMuse"
    " (data/, MIT); evaluations in prose with scores.csv from"
    " https://github.com/zby/DayDreamingDayDreaming (tests/fixtures/eval_responses, Apache-2.0);"
    " simulated-judges.json and scripted-world.json describe simulated judges"
)
PARTS = {
    "pairwise": (pairwise, worlds.SCIMUSE_FILE),
    "panels": (panels, panels.FILE),
    "thresholds": (thresholds, panels.FILE),
    "yields": (yields, yields.FILE),
    "free_text": (free_text, free_text.FILE),
}
GATES = "gates"
PREJUDICE = "prejudice"


def main() -> int:
    """Run the parts whose data are in the folder. Return 2 if there are none."""
    arguments = _parser().parse_args()
    if arguments.only in (None, GATES):
        gates.measure()
    if arguments.only in (None, PREJUDICE):
        prejudice.measure(quick=arguments.quick)
    files = {
        name: worlds.find(arguments.data, file)
        for name, (_, file) in PARTS.items()
        if arguments.only in (None, name)
    }
    if files and not any(files.values()):
        message = f"bench-critic: no data in {arguments.data}. Pass DATA=folder with {PUBLISHED}."
        print(message, file=sys.stderr)
        return 2
    for name, file in files.items():
        if file is not None:
            PARTS[name][0].measure(file, quick=arguments.quick)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench-critic", description=__doc__, epilog=f"The data are {PUBLISHED}."
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with the data, or with their folders"
    )
    parser.add_argument("--quick", action="store_true", help="use fewer shuffles and seeds")
    parser.add_argument(
        "--only", choices=[GATES, PREJUDICE, *PARTS], help="part to run. Default: all"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
