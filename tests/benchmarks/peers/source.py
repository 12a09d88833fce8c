"""The source of a peer: `python -m benchmarks.peers.source MODULE PACKAGE…`.

It prints the versions of the packages as JSON. Then each line of its input is a first number and a
count of pairs to send.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from importlib.metadata import version


async def run(module: str, packages: list[str]) -> None:
    """Send what the input says, until it ends."""
    worker = importlib.import_module(module)
    print(json.dumps({package: version(package) for package in packages}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        first, count = map(int, line.split())
        await worker.send(range(first, first + count))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2:]))
