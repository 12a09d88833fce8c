"""`make bench-peers [QUICK=1]`: one JSON line per figure. It needs no key and no data."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from benchmarks.peers import kills, sides, slow_calls, throughput
from benchmarks.peers.peer import PEERS, Peer, available

FIGURES: tuple[Callable[[Sequence[Peer], Path, bool], Awaitable[None]], ...] = (
    throughput.throughput,
    kills.kills,
    slow_calls.slow_calls,
)


def main() -> None:
    """Print all figures, or those of one function by its name."""
    names = [function.__name__ for function in FIGURES]
    parser = argparse.ArgumentParser(prog="make bench-peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure fewer daydreams")
    parser.add_argument("--only", choices=names, help="figures to print. Default: all")
    parser.add_argument(
        "--peer",
        choices=[peer.name for peer in PEERS],
        action="append",
        help="peer to compare with (repeatable). Default: all",
    )
    arguments = parser.parse_args()
    chosen = [peer for peer in available() if arguments.peer is None or peer.name in arguments.peer]
    functions = [function for function in FIGURES if arguments.only in (None, function.__name__)]
    asyncio.run(_measure(functions, chosen, arguments.quick))


async def _measure(
    functions: Sequence[Callable[[Sequence[Peer], Path, bool], Awaitable[None]]],
    peers: Sequence[Peer],
    quick: bool,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if throughput.throughput not in functions:  # it records them itself
            await sides.record_requests(folder)
        for function in functions:
            await function(peers, folder, quick)


if __name__ == "__main__":
    main()
