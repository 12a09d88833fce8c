"""Start processes, watch them, restart those that end, and stop all of them.

Each process has a log file and ends with its parent. Exit code 2 at the first start is a
configuration error; the last line of the log says what to do.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

from daydream_console.local.readiness import Readiness, start_timeout_s
from daydream_contracts.errors import ConfigurationError

log = logging.getLogger(__name__)
READY_POLL_S = 0.05
RESTART_DELAY_S = 0.1
RESTART_DELAY_MAX_S = 10.0
QUICK_END_S = 5.0  # a process that ends sooner is restarted ever more slowly
ERROR_CHARS = 300
EXIT_WRONG_SETTING = 2
SHARED = ("nats", "model")  # stopped last, because the services need them to stop in order
STUCK_POLL_S = 5.0
PR_SET_PDEATHSIG = 1
PRIVATE_UMASK = 0o077  # what a program writes is its owner's alone
LOG_BYTES_MAX = 20_000_000
PORTS = range(20_000, 30_000)  # systems give higher ones to outgoing connections
PORTS_TRIED = 100


@dataclass(frozen=True)
class Program:
    """A process to run. It is ready when the URL `health` answers 200.

    `environment` is all of its environment: nothing is inherited, so no secrets either. `elsewhere`
    returns the same program at another port; None: others know its `port`, so it must have that.
    `is_stuck` is asked every few seconds while it runs, and says whether only a restart helps.
    """

    name: str
    arguments: Sequence[str]
    health: str
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    elsewhere: Callable[[], Program] | None = None
    is_stuck: Callable[[], Awaitable[bool]] | None = None


class Processes:
    """The running programs. They are stopped in reverse order of their start."""

    def __init__(
        self,
        logs: Path,
        *,
        changed: Callable[[], None] = lambda: None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._logs = logs
        self._changed = changed
        self._report = report
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self.restarts: dict[str, int] = {}

    def pids(self) -> dict[str, int]:
        """Return the process ids by name."""
        return {name: process.pid for name, process in self._running.items()}

    async def start(self, program: Program) -> None:
        """Start a program, wait until it is ready, and restart it whenever it ends."""
        process = await self._spawn(program)
        await self._until_ready(program, process)
        self._keepers[program.name] = asyncio.create_task(self._keep(program, process))

    async def stop(self, grace_s: float) -> None:
        """Stop everything in reverse order. Kill what has not ended after `grace_s`."""
        self._stopping = True
        for keeper in self._keepers.values():
            keeper.cancel()
        names = list(reversed(self._running))
        services = [name for name in names if name not in SHARED]
        shared = [name for name in names if name in SHARED]
        for group in (services, shared):
            await asyncio.gather(*(self._end(name, grace_s) for name in group))

    async def _end(self, name: str, grace_s: float) -> None:
        process = self._running[name]
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), grace_s)
            except TimeoutError:
                log.warning("killing %s: it did not stop within %.0f s", name, grace_s)
                process.kill()
                await process.wait()
        del self._running[name]

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        file = self._logs / f"{program.name}.log"
        if file.exists() and file.stat().st_size > LOG_BYTES_MAX:
            file.replace(file.with_suffix(".log.1"))
        file.touch(mode=0o600)
        with file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *program.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(program.environment),
                umask=PRIVATE_UMASK,
                start_new_session=True,  # Ctrl-C reaches only us; we stop them in order
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._running[program.name] = process
        return process

    async def _until_ready(self, program: Program, process: asyncio.subprocess.Process) -> None:
        log_file = self._logs / f"{program.name}.log"
        readiness = Readiness(
            program.name, program.health, log_file, start_timeout_s(), self._report
        )
        while not await readiness.is_ready():
            if process.returncode is not None:
                raise self._failed(program, process.returncode)
            await asyncio.sleep(READY_POLL_S)

    def _failed(self, program: Program, code: int) -> ConfigurationError:
        file = self._logs / f"{program.name}.log"
        last = file.read_text(errors="replace").strip().splitlines()[-1:] or ["(no output)"]
        if code == EXIT_WRONG_SETTING:
            return ConfigurationError(last[0].rstrip("."), f"The full log is {file}")
        return ConfigurationError(
            f"{program.name} exited at its start with code {code}: {last[0][:ERROR_CHARS]}",
            f"See {file}",
        )

    async def _keep(self, program: Program, process: asyncio.subprocess.Process) -> None:
        """Restart the program whenever it ends, ever more slowly while it ends at once.

        This is supervision, not a retry, so it is a plain loop without tenacity.
        """
        quick_ends = 0
        while True:
            started = time.monotonic()
            code = await _until_ended(program, process)
            if self._stopping:
                return
            quick_ends = quick_ends + 1 if time.monotonic() - started < QUICK_END_S else 0
            log.warning("restarting %s: it exited with code %s", program.name, code)
            self.restarts[program.name] = self.restarts.get(program.name, 0) + 1
            await asyncio.sleep(min(RESTART_DELAY_MAX_S, RESTART_DELAY_S * 2**quick_ends))
            if program.port and not is_free(program.port):
                program = _moved(program)
            process = await self._spawn(program)
            self._changed()


async def _until_ended(program: Program, process: asyncio.subprocess.Process) -> int:
    """Wait for the end of a process, and end it if it is stuck. Return its exit code."""
    while program.is_stuck is not None:
        try:
            async with asyncio.timeout(STUCK_POLL_S):
                return await process.wait()
        except TimeoutError:
            if await program.is_stuck():
                log.warning("ending %s: only a restart can help it", program.name)
                process.terminate()
                break
    return await process.wait()


def free_port() -> int:
    """Return a port that is free now, and that no outgoing connection takes before it is used.

    Raise ConfigurationError if none is free.
    """
    for port in SystemRandom().sample(PORTS, PORTS_TRIED):
        if is_free(port):
            return port
    raise ConfigurationError(
        f"no port between {PORTS.start} and {PORTS.stop} is free", "End the programs that use them"
    )


def is_free(port: int) -> bool:
    """Return True if a service can listen on this port. Connections that ended do not matter."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:  # taken
            return False
        return True


def _moved(program: Program) -> Program:
    """Return a program whose port another one has taken, at a free port where that is possible."""
    if program.elsewhere is None:
        log.warning(
            "another program has taken port %d of %s. End that program, or stop daydream and start "
            "it again",
            program.port,
            program.name,
        )
        return program
    moved = program.elsewhere()
    log.warning("%s gets port %d: another program took %d", program.name, moved.port, program.port)
    return moved


def _die_with_parent() -> None:
    """Run in the child before its program starts: receive SIGTERM when the parent ends, even by a
    kill.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
