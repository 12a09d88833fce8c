"""`make bench-sampler DATA=folder [QUICK=1]`: print one JSON line per figure."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.sampler import across, memory, moose, scale, scimuse, worlds

OF_DATA = {
    "scimuse": worlds.SCIMUSE_FILE,
    "moose": worlds.MOOSE_FILE,
    "across": worlds.MOOSE_FILE,
}
PARTS = (*OF_DATA, "scale", "memory")


def main() -> int:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(
        prog="make bench-sampler", description=__doc__, epilog=f"The data is {worlds.PUBLISHED}."
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with the public data, or with folders that hold it",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer seeds, memories of at most 100,000 facts; saves seven minutes",
    )
    parser.add_argument(
        "--ten-million",
        action="store_true",
        help="also measure draws at 10⁷ facts; the index takes half an hour",
    )
    parser.add_argument(
        "--embedding-url",
        default="",
        help="OpenAI-compatible endpoint; moose is also measured with its vectors",
    )
    parser.add_argument("--embedding-model", default="", help="embedding model at that endpoint")
    parser.add_argument("--only", choices=PARTS, action="append", help="part to run; repeatable")
    options = parser.parse_args()
    chosen = options.only or PARTS
    files = {part: worlds.find(options.data, name) for part, name in OF_DATA.items()}
    missing = [part for part in chosen if part in files and files[part] is None]
    if missing and not set(chosen) - set(missing) - {"scale", "memory"}:
        print(
            f"bench-sampler: no data in {options.data}. "
            f"Set DATA to a folder with {worlds.PUBLISHED}.",
            file=sys.stderr,
        )
        return 2
    for part in missing:
        print(f"bench-sampler: skipped {part}, its data is not in {options.data}", file=sys.stderr)
    if "scimuse" in chosen and (ratings := files["scimuse"]):
        scimuse.measure(ratings, quick=options.quick)
    if "moose" in chosen and (table := files["moose"]):
        _measure_moose(table, options)
    if "across" in chosen and (table := files["across"]):
        across.measure(table, quick=options.quick)
    if "scale" in chosen:
        scale.measure(quick=options.quick, ten_million=options.ten_million)
    if "memory" in chosen:
        memory.measure(quick=options.quick)
    return 0


def _measure_moose(table: Path, options: argparse.Namespace) -> None:
    """Measure with the bundled embedding model, and with that of an endpoint if one is given."""
    moose.measure(table, quick=options.quick)
    if options.embedding_url:
        other = moose.EndpointModel(options.embedding_url, options.embedding_model)
        moose.measure(table, quick=options.quick, other=other)


if __name__ == "__main__":
    sys.exit(main())
