"""`make bench-sampler DATA=folder [QUICK=1]`: one JSON line a figure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.sampler import memory, moose, scale, scimuse, worlds

PARTS = ("scimuse", "moose", "scale", "memory")


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        prog="make bench-sampler", description=__doc__, epilog=f"The data are {worlds.PUBLISHED}."
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="a folder with the public data, or with folders that have them",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="seven minutes less: fewer seeds, memories of at most 100,000 facts",
    )
    parser.add_argument(
        "--ten-million",
        action="store_true",
        help="draws by nearness at 10⁷ facts as well: half an hour more, for its index",
    )
    parser.add_argument(
        "--embedding-url",
        default="",
        help="an OpenAI-compatible endpoint: moose is measured with its vectors as well",
    )
    parser.add_argument("--embedding-model", default="", help="the model there")
    parser.add_argument("--only", choices=PARTS, action="append", help="one part (may be repeated)")
    asked = parser.parse_args()
    chosen = asked.only or PARTS
    files = {
        "scimuse": worlds.find(asked.data, worlds.SCIMUSE_FILE),
        "moose": worlds.find(asked.data, worlds.MOOSE_FILE),
    }
    missing = [part for part in chosen if part in files and files[part] is None]
    if missing and not set(chosen) - set(missing) - {"scale", "memory"}:
        print(
            f"bench-sampler: no data in {asked.data}. Say DATA=folder, with {worlds.PUBLISHED} in it.",
            file=sys.stderr,
        )
        return 2
    for part in missing:
        print(
            f"bench-sampler: {part} is left out, its data are not in {asked.data}", file=sys.stderr
        )
    if "scimuse" in chosen and (ratings := files["scimuse"]):
        scimuse.measure(ratings, quick=asked.quick)
    if "moose" in chosen and (table := files["moose"]):
        moose.measure(table, quick=asked.quick)
        if asked.embedding_url:
            moose.measure(
                table,
                quick=asked.quick,
                other=moose.Other(asked.embedding_url, asked.embedding_model),
            )
    if "scale" in chosen:
        scale.measure(quick=asked.quick, ten_million=asked.ten_million)
    if "memory" in chosen:
        memory.measure(quick=asked.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
