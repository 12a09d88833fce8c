"""A soak: the shipped system at its highest rate, with a provider that answers at once.

`daydream up` runs everything as its users have it. Time: documents → warm-up, in which caches fill
and Python's memory settles → measurements every few seconds → the end, when nothing more is drawn
and what was begun has ended. Then the ledger has what the provider billed, to the nano-dollar.

Few hypotheses are promoted, because each insight is a fact more in the memory: that is data, which
grows, and no leak.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline.system import vocabulary
from benchmarks.soak.measurements import Measured, Measurement
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder
from daydream_console.overview import Overview, overview
from daydream_contracts.grants import CONSOLE
from support.polling import eventually
from support.programs import Daydream, EndpointProgram, priced_endpoint
from support.quiescence import daydreams_have_ended, draws_have_ended

FACTS = 700  # 244,650 pairs: more than are drawn in an hour
EVERY_S = 5.0
WARM_UP_SHARE = 0.25
START_S, END_S, STOP_S = 180.0, 180.0, 60.0
PROCESSES = 9
CAP_USD = "10000"  # more than is spent
SETTINGS = {
    "DAYDREAM_SAMPLER_SAME_DOCUMENT": "true",  # the notes are one file
    "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic,oracle",
    "DAYDREAM_CRITIC_PROMOTE_SCORE": "10",
}


@dataclass(frozen=True)
class Soak:
    """The measurements after the warm-up, and the state when everything has ended.

    `billed` is what the provider billed in all, in nano-dollars.
    """

    series: Sequence[Measurement]
    end: Overview
    billed: int


async def soak(minutes: float, folder: Path) -> Soak:
    """Let a new system run for that long in a folder. Raise RuntimeError if a part of it ends."""
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(folder / "user", endpoint, **SETTINGS)
        async with _running(daydream, endpoint) as measured:
            started = time.monotonic()
            await _wait_until(started + 60 * minutes * WARM_UP_SHARE)
            series = []
            while time.monotonic() < started + 60 * minutes:
                series.append(await measured.now())
                await _wait_until(series[-1].at_s + EVERY_S)
            rpc, js = measured.client.rpc, measured.client.js
            await eventually(lambda: draws_have_ended(rpc), END_S, poll_s=0.5)
            await eventually(lambda: daydreams_have_ended(rpc, js), END_S, poll_s=0.5)
            billed = endpoint.witness()["cost_nanousd"]
            return Soak(series, await overview(rpc, js), billed)


async def _wait_until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


@asynccontextmanager
async def _running(daydream: Daydream, endpoint: EndpointProgram) -> AsyncIterator[Measured]:
    """Run the system until the end, with facts."""
    up = daydream.start("up", "--port", "0", "--cap", CAP_USD)
    try:
        await eventually(
            lambda: len(daydream.processes()) >= PROCESSES or up.poll() is not None, START_S
        )
        if up.poll() is not None:
            raise RuntimeError(up.communicate()[1])
        notes = daydream.folder / "notes.jsonl"
        notes.write_text("\n".join(_notes(FACTS)))
        done = await asyncio.to_thread(daydream, "ingest", str(notes))
        if done.returncode:
            raise RuntimeError(done.stderr)
        folder = DataFolder(daydream.data)
        address = folder.nats_address(folder.read("running.json")["nats_url"], CONSOLE)
        async with connected(address) as client:
            pids = {**daydream.processes(), "up": up.pid}
            yield Measured(pids, daydream.data, endpoint, client)
    finally:
        up.send_signal(signal.SIGINT)
        await asyncio.to_thread(up.communicate, timeout=STOP_S)


def _notes(count: int) -> list[str]:
    words = vocabulary().split()
    return [
        json.dumps({"text": f"Note {at}: {' '.join(random.Random(at).sample(words, 9))}."})
        for at in range(count)
    ]
