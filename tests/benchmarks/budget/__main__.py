"""`make bench-budget DATA=folder [QUICK=1]`: one JSON line per figure."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from benchmarks.budget import cap_runs, held_amounts, peers, throughput, trace

PARTS = ("caps", "holds", "throughput", "peers")


def main() -> int:
    """Run the selected parts; return the exit code."""
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
        help="minutes instead of half an hour: two seeds, no $10 cap, a shorter ledger to replay",
    )
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="part to run (repeatable; default: all)"
    )
    options = parser.parse_args()
    file = trace.find(options.data)
    if file is None:
        print(
            f"bench-budget: no trace in {options.data}. "
            f"Set DATA to a folder with {trace.PUBLISHED}.",
            file=sys.stderr,
        )
        return 2
    calls = trace.read(file)
    parts = options.only or PARTS
    rates: dict[tuple[int, int], float] = {}
    if "caps" in parts:
        calls_of = {tokens: trace.read(file, tokens) for tokens in trace.MAX_TOKENS}
        rates = asyncio.run(cap_runs.measure(calls_of, quick=options.quick))
    if "holds" in parts:
        held_amounts.measure(file)
    if "throughput" in parts:
        asyncio.run(throughput.measure(quick=options.quick))
    if "peers" in parts:
        peers.measure(file, calls, quick=options.quick, ledger_rates=rates)
    return 0


if __name__ == "__main__":
    sys.exit(main())
