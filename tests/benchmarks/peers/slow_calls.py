"""How often a call is paid that lasts five times as long as the wait for an acknowledgement.

All sides wait at the same time, each with its own provider. There are fewer pairs than a stage
takes at once, so a message that is delivered again finds room. The count ends two ack waits after
everything has ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.figures import figure
from benchmarks.peers.figures import counted
from benchmarks.peers.peer import Peer
from benchmarks.peers.running_peer import RunningPeer, running_peer
from benchmarks.peers.sides import OurSide, our_side
from daydream_contracts.topology import ACK_WAIT_S
from support.programs import priced_endpoint

BENCHMARK = "peers"
ACK_WAITS = 5
PAIRS = 2
CALL_S = ACK_WAITS * ACK_WAIT_S
PATIENCE_S = 6 * CALL_S
SETTLE_S = 2 * ACK_WAIT_S
POLL_S = 0.5


async def slow_calls(peers: Sequence[Peer], folder: Path, quick: bool) -> None:
    """Print the figures: two to five minutes."""
    async with AsyncExitStack() as stack:
        sides: list[OurSide | RunningPeer] = [await stack.enter_async_context(our_side(CALL_S))]
        for peer in peers:
            endpoint_folder = folder / f"slow-{peer.name}"
            endpoint_folder.mkdir()
            endpoint = stack.enter_context(priced_endpoint(endpoint_folder, delay_s=CALL_S))
            sides.append(await stack.enter_async_context(running_peer(peer, endpoint, folder)))
        began = time.monotonic()
        for side in sides:
            await side.begin(PAIRS)
        ended = [False] * len(sides)
        while not all(ended) and time.monotonic() - began < PATIENCE_S:
            ended = [await side.done() >= side.sent for side in sides]
            await asyncio.sleep(POLL_S)
        await asyncio.sleep(SETTLE_S)
        counted_s = time.monotonic() - began
        for side in sides:
            counts = counted(side.endpoint.calls())
            figure(
                BENCHMARK,
                f"{side.name}_calls_per_slow_call",
                [counts.per_call],
                "calls",
                calls=counts.different,
                call_s=CALL_S,
                unfinished=side.sent - await side.done(),
                counted_s=round(counted_s, 1),
            )
