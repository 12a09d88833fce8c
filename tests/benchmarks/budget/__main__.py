"""`make bench-budget DATA=folder [QUICK=1]`: one JSON line a figure."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from benchmarks.budget import caps, peers, throughput, trace

PARTS = ("caps", "throughput", "peers")


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        prog="make bench-budget",
        description=__doc__,
        epilog=f"The call lengths are {trace.PUBLISHED}.",
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help=f"a folder with {trace.FILE}, or with azure-llm-trace/ that has it",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a minute instead of ten: fewer seeds, no $10 cap, a shorter ledger to replay",
    )
    parser.add_argument("--only", choices=PARTS, action="append", help="one part (may be repeated)")
    asked = parser.parse_args()
    file = trace.find(asked.data)
    if file is None:
        print(
            f"bench-budget: no trace in {asked.data}. Say DATA=folder, with {trace.PUBLISHED} in it.",
            file=sys.stderr,
        )
        return 2
    calls = trace.read(file)
    chosen = asked.only or PARTS
    ours: dict[tuple[int, int], float] = {}
    if "caps" in chosen:
        ours = asyncio.run(caps.measure(calls, quick=asked.quick))
    if "throughput" in chosen:
        asyncio.run(throughput.measure(quick=asked.quick))
    if "peers" in chosen:
        peers.measure(file, calls, quick=asked.quick, ours=ours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
