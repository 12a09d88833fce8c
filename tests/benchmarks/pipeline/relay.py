"""The bare relay: the same model calls through five processes over JetStream, and nothing else.

It uses the `openai` client as the stages do, and a NATS server with the same settings. Its requests
are those that the system has sent last. It calls the provider itself, without a gateway.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.errors import NoRespondersError

from benchmarks.pipeline.relay_stage import GO, STREAMS, make_streams
from support.programs import HERE, EndpointProgram, NatsServer

STAGES = ("synthesize", "judge")  # their prompts' names begin so
PAIR_BYTES = 1500  # about what a `PairSampled` has
START_S = 30.0
POLL_S = 0.1


@dataclass
class Relay:
    """The running relay."""

    nc: Client
    pids: Mapping[str, int]

    async def begin(self, count: int) -> None:
        """Let it relay this many messages more."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                await self.nc.request(GO, str(count).encode(), timeout=START_S)
                return
            except NoRespondersError:  # the source is starting
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(POLL_S)

    async def done(self) -> int:
        """Return how many messages have passed the judge."""
        return int((await self.nc.jetstream().stream_info(STREAMS[2])).state.last_seq)


@asynccontextmanager
async def running_relay(parent: str | None, endpoint: EndpointProgram) -> AsyncIterator[Relay]:
    """Start the five processes and their own NATS server, in a folder of `parent`."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=parent)))
        server = NatsServer(folder / "nats", sync_always=True)
        stack.callback(server.kill)
        server.start()
        nc = await nats.connect(server.url)
        stack.push_async_callback(nc.close)
        await make_streams(nc.jetstream())
        pids = {"nats": server.pid}
        bodies = write_bodies(folder, endpoint)
        links = (
            ("source", "", "", ""),
            ("writer", STREAMS[0], STREAMS[1], str(bodies[0])),
            ("judge", STREAMS[1], STREAMS[2], str(bodies[1])),
            ("memory", STREAMS[2], STREAMS[3], ""),
            ("end", STREAMS[3], "", ""),
        )
        for name, source, target, body in links:
            options = ["--nats", server.url, "--endpoint", endpoint.url, "--source", source]
            options += ["--target", target, "--body", body, "--bytes", str(PAIR_BYTES)]
            pids[name] = stack.enter_context(_process(options)).pid
        yield Relay(nc, pids)


@contextmanager
def _process(options: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "benchmarks.pipeline.relay_stage", *options]
    process = subprocess.Popen(command, cwd=HERE.parent)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def write_bodies(folder: Path, endpoint: EndpointProgram) -> list[Path]:
    """Write the last request of the writer and of the judge to files, and return their paths."""
    paths = []
    asked = endpoint.asked()
    for stage in STAGES:
        name = next(name for name in asked if name.startswith(stage))
        path = folder / f"{stage}.json"
        # the gateway asks for a stream, so that it can stop a runaway answer
        body = {key: value for key, value in asked[name].items() if not key.startswith("stream")}
        path.write_text(json.dumps(body))
        paths.append(path)
    return paths
