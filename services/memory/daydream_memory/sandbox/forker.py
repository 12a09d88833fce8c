"""The service's side of the forking process: start it, ask for workers, learn how they ended."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from signal import SIGKILL

from daydream_memory.sandbox.limits import SandboxLimits, WorkerEnd

START_S = 120.0
MODULE = "daydream_memory.sandbox.fork_server"
START = f"import sys, json; sys.path = json.loads(sys.argv[2])['path']; sys.argv[0] = {MODULE!r}; "
START += f"import runpy; runpy.run_module({MODULE!r}, run_name='__main__')"
# Nothing of the service's own: no key, no address, no token.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",  # a process with threads must not fork
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass
class SandboxWorker:
    """A forked process and its socket."""

    pid: int
    channel: socket.socket
    answers: asyncio.StreamReader
    writer: asyncio.StreamWriter  # kept: when it goes, the socket is closed
    ended: asyncio.Future[WorkerEnd]
    documents: int = 0
    labels: tuple[str, str] = ("", "")
    killed_for: str = ""


@dataclass
class Forker:
    """Starts the forking process. All methods belong to one event loop."""

    limits: SandboxLimits
    module: str
    without: frozenset[str] = frozenset()
    running: bool = False
    _ends: dict[int, asyncio.Future[WorkerEnd]] = field(default_factory=dict)
    asked: deque[asyncio.Future[tuple[int, asyncio.Future[WorkerEnd]]]] = field(
        default_factory=deque
    )

    async def start(self) -> None:
        """Return once the readers are loaded. Raise RuntimeError if they cannot be."""
        self._control, theirs = socket.socketpair()
        path = [entry for entry in sys.path if entry]
        settings = {"limits": asdict(self.limits), "module": self.module, "path": path}
        settings["without"] = sorted(self.without)
        with theirs:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-c", START, str(theirs.fileno()), json.dumps(settings)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env=ENVIRONMENT,
                pass_fds=[theirs.fileno()],
            )
        messages, self._writer = await asyncio.open_connection(sock=self._control)
        try:
            loaded = await asyncio.wait_for(messages.readline(), START_S)
        except BaseException:  # cancelled at a stop, or too slow
            self.process.kill()
            self._writer.close()
            raise
        if not loaded:
            raise RuntimeError("the readers of documents could not be loaded")
        self.running = True
        self._listening = asyncio.create_task(self._listen(messages))

    async def fork(self) -> SandboxWorker:
        """Return a warm worker. Raise ConnectionError if the forking process has ended."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"fork\n"], [theirs.fileno()])
            self.asked.append(asked := loop.create_future())
        try:
            pid, ended = await asked
        except ConnectionError:
            ours.close()
            raise
        answers, writer = await asyncio.open_connection(sock=ours)
        return SandboxWorker(pid, ours, answers, writer, ended)

    def kill(self, worker: SandboxWorker, reason: str = "") -> None:
        """End a worker at once, whatever it does."""
        if not worker.ended.done():
            worker.killed_for = worker.killed_for or reason
            self._order_end(worker.pid)

    def _order_end(self, pid: int) -> None:
        with suppress(OSError):  # the forking process has ended, and all workers with it
            self._control.send(f"kill {pid}\n".encode())

    async def close(self) -> None:
        """End the forking process and its workers."""
        if not self.running:
            return
        for pid in self._ends:
            self._order_end(pid)
        self._writer.close()
        await self.process.wait()
        await self._listening

    async def _listen(self, messages: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            async for line in messages:
                self._take(json.loads(line))
        self.running = False
        while self.asked:
            asked = self.asked.popleft()
            if not asked.done():
                asked.set_exception(ConnectionError("the forking process has ended"))
        for ended in self._ends.values():
            ended.set_result(WorkerEnd(-SIGKILL, 0, 0))
        self._ends.clear()

    def _take(self, message: dict[str, float]) -> None:
        """Note a start or an end. Here, because the end may follow before `fork` continues."""
        if "pid" in message:
            pid = int(message["pid"])
            self._ends[pid] = asyncio.get_running_loop().create_future()
            asked = self.asked.popleft()
            if asked.done():  # its caller was cancelled
                self._order_end(pid)
            else:
                asked.set_result((pid, self._ends[pid]))
        elif ended := self._ends.pop(int(message["ended"]), None):
            status, rss_mb = int(message["status"]), int(message["rss_mb"])
            ended.set_result(WorkerEnd(status, rss_mb, message["cpu_s"]))
