"""Daydreams per second and processor time of all sides, in turns, while the others are idle."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.figures import figure
from benchmarks.peers.peer import Peer
from benchmarks.peers.running_peer import running_peer
from benchmarks.peers.sides import OurSide, RelaySide, Side, our_side, save_requests
from benchmarks.pipeline.relay import running_relay
from benchmarks.pipeline.steady_state import WARM_UP, SideTurns

BENCHMARK = "peers"


async def throughput(peers: Sequence[Peer], folder: Path, quick: bool) -> None:
    """Print the figures. All sides call one provider, which answers at once."""
    turns, daydreams = (3, 150) if quick else (6, 400)
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(our_side())
        await _warm_up(ours)
        save_requests(folder, ours.endpoint)
        relay = await stack.enter_async_context(running_relay(None, ours.endpoint))
        sides: list[Side] = [ours, RelaySide(relay)]
        for peer in peers:
            running = running_peer(peer, ours.endpoint, folder)
            sides.append(await stack.enter_async_context(running))
        for side in sides[1:]:
            await _warm_up(side)
        measured = {side.name: SideTurns() for side in sides}
        for _ in range(turns):
            for side in sides:
                # so that the last ones measured are not the last ones
                await side.begin(daydreams + 2 * WARM_UP)
                await measured[side.name].take(daydreams, side.pids, side.done)
                await side.rest()
    for side in sides:
        _print(side, measured[side.name], measured[OurSide.name])


async def _warm_up(side: Side) -> None:
    await side.begin(WARM_UP)
    await side.rest()


def _print(side: Side, turns: SideTurns, ours: SideTurns) -> None:
    def show(name: str, values: Sequence[float], unit: str) -> None:
        context = {"versions": side.versions} if side.versions else {}
        figure(BENCHMARK, name, values, unit, seed=None, **context)

    show(f"{side.name}_per_s", turns.per_s, "1/s")
    show(f"{side.name}_cpu_ms", turns.cpu_ms, "ms")
    if turns is not ours:
        ratios = [own / other for own, other in zip(ours.per_s, turns.per_s, strict=True)]
        show(f"per_s_ratio_to_{side.name}", ratios, "ratio")
