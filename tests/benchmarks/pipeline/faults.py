"""What a kill and a slow provider cost: seconds until the work is done, and calls paid twice."""

from __future__ import annotations

import asyncio
import time

from benchmarks.figures import figure
from benchmarks.pipeline.system import BenchedSystem, benched_system
from daydream_contracts.topology import ACK_WAIT_S

CALL_S = 0.5  # so that calls are in progress when a stage is killed
DRAWN = 40
SLOW_CALLS = 5  # in ack waits
SLOW_DAYDREAMS = 4
POLL_S = 0.05
PATIENCE_S = 120.0


async def faults(quick: bool) -> None:
    """Print how long the work takes to recover from a kill."""
    killed = ("synthesizer", "critic") if quick else ("synthesizer", "critic", "memory", "gateway")
    async with benched_system(delay_s=CALL_S) as benched:
        for name in killed:
            value = await _recovery_s(benched, name)
            figure("pipeline", "recovery_s_after_kill", [value], "s", process=name, call_s=CALL_S)


async def slow_calls(quick: bool) -> None:
    """Print how often a call is paid that takes much longer than the ack wait: two minutes."""
    if quick:
        return
    call_s = SLOW_CALLS * ACK_WAIT_S
    async with benched_system(delay_s=call_s) as benched:
        await benched.draw(SLOW_DAYDREAMS)
        patience_s = PATIENCE_S + 2 * SLOW_DAYDREAMS * call_s  # if all came one after the other
        await _until_verdicts(benched, SLOW_DAYDREAMS, patience_s)
        asked = benched.system.endpoint.calls()
    value = sum(asked.values()) / len(asked)
    figure("pipeline", "paid_calls_per_call", [value], "calls", call_s=call_s)


async def _recovery_s(benched: BenchedSystem, name: str) -> float:
    """Kill a service amid work, start it again, and wait until all that was drawn has ended."""
    before = await benched.verdicts()
    await benched.draw(before + DRAWN)
    await _until_verdicts(benched, before + DRAWN // 4)
    began = time.monotonic()
    benched.kill(name)
    benched.start_again(name)
    await _until_verdicts(benched, before + DRAWN)
    return time.monotonic() - began


async def _until_verdicts(
    benched: BenchedSystem, count: int, patience_s: float = PATIENCE_S
) -> None:
    async with asyncio.timeout(patience_s):
        while await benched.verdicts() < count:
            await asyncio.sleep(POLL_S)
