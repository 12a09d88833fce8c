"""A running peer: its broker, a worker per stage, and a source, each a process or several."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.peers import work
from benchmarks.peers.figures import ended_numbers
from benchmarks.peers.peer import Peer
from benchmarks.peers.redis_server import redis_server
from benchmarks.pipeline.relay import PAIR_BYTES
from daydream_contracts.topology import ACK_WAIT_S
from support.programs import HERE, EndpointProgram, NatsServer

START_S = 120.0
POLL_S = 0.1


@dataclass
class RunningPeer:
    """The processes of a peer, and how many pairs were sent so far."""

    peer: Peer
    endpoint: EndpointProgram
    folder: Path
    environment: Mapping[str, str]
    broker_pid: int
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    sent: int = 0
    versions: str = ""

    @property
    def name(self) -> str:
        """Return what figures call it."""
        return self.peer.name

    @property
    def pids(self) -> Mapping[str, int]:
        """Return the process ids of everything but the provider."""
        roots = [psutil.Process(process.pid) for process in self.workers.values()]
        children = [child for root in roots for child in root.children(recursive=True)]
        pids = [self.broker_pid, *(process.pid for process in (*roots, *children))]
        return {str(pid): pid for pid in pids}

    def start(self) -> None:
        """Start the source and the workers."""
        self.workers["source"] = self._process("source", self.peer.source())
        output = self.workers["source"].stdout
        assert output is not None
        versions: dict[str, str] = json.loads(output.readline())
        self.versions = ", ".join(f"{name} {version}" for name, version in versions.items())
        for stage in work.STAGES:
            self.start_again(stage)

    def start_again(self, stage: str) -> None:
        """Start the worker of a stage."""
        self.workers[stage] = self._process(stage, self.peer.worker(stage))

    def kill(self, stage: str) -> None:
        """Kill all processes of a worker, as when its machine or its container ends."""
        process = self.workers[stage]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_child(self, stage: str) -> None:
        """Kill one process of a worker, which the worker itself starts again."""
        psutil.Process(self.workers[stage].pid).children()[0].kill()

    async def begin(self, count: int) -> None:
        """Send this many pairs more."""
        source = self.workers["source"].stdin
        assert source is not None
        source.write(f"{self.sent} {count}\n".encode())
        source.flush()
        self.sent += count

    async def done(self) -> int:
        """Return how many different pairs have ended. Fail if a process has."""
        codes = {name: process.poll() for name, process in self.workers.items()}
        ended = {name: code for name, code in codes.items() if code is not None}
        assert not ended, f"{self.name} has ended: {ended}. {self._log_end(next(iter(ended)))}"
        file = self.folder / "ended"
        return len(ended_numbers(file.read_text())) if file.exists() else 0

    async def rest(self) -> None:
        """Wait until all that was sent has ended."""
        async with asyncio.timeout(START_S):
            while await self.done() < self.sent:
                await asyncio.sleep(POLL_S)

    def stop(self) -> None:
        """Kill everything but the broker."""
        for name, process in self.workers.items():
            if process.poll() is None:
                self.kill(name)

    def _process(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=HERE.parent,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if name == "source" else log,
                stderr=log,
                start_new_session=True,  # so that all its processes are killed together
            )

    def _log_end(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]


@asynccontextmanager
async def running_peer(
    peer: Peer, endpoint: EndpointProgram, bodies: Path
) -> AsyncIterator[RunningPeer]:
    """Start a peer with all that it needs, and wait until a first pair has passed all stages."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, broker_pid = stack.enter_context(_broker(peer, folder / "broker"))
        own = {
            work.BROKER_URL: url,
            work.ENDPOINT_URL: endpoint.url,
            work.BODIES: str(bodies),
            work.ENDED: str(folder / "ended"),
            work.ACK_WAIT_S: str(ACK_WAIT_S),
            work.TEXT_BYTES: str(PAIR_BYTES),
            "PYTHONPATH": str(HERE.parent),
        }
        running = RunningPeer(peer, endpoint, folder, {**os.environ, **own}, broker_pid)
        stack.callback(running.stop)
        running.start()
        yield running


@contextmanager
def _broker(peer: Peer, folder: Path) -> Iterator[tuple[str, int]]:
    if peer.on_redis:
        with redis_server(folder) as running:
            yield running
        return
    server = NatsServer(folder, sync_always=True)
    server.start()
    try:
        yield server.url, server.pid
    finally:
        server.kill()
