"""Starts processes, watches them, restarts what dies, stops all of them. Each has a log file and dies with its parent.

A process that ends with exit code 2 at its first start has a wrong setting: its last line says what to do.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from daydream_contracts.errors import ConfigurationError

log = logging.getLogger(__name__)
READY_S_MAX = 60.0
READY_POLL_S = 0.05
PR_SET_PDEATHSIG = 1
LOG_BYTES_MAX = 20_000_000


@dataclass(frozen=True)
class Program:
    """A process to run. It is ready when `health` answers 200."""

    name: str
    arguments: Sequence[str]
    health: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Processes:
    """The running programs. They are started in order and stopped in the reverse one."""

    def __init__(self, logs: Path, *, changed: Callable[[], None] = lambda: None) -> None:
        self._logs = logs
        self._changed = changed
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self.restarts: dict[str, int] = {}

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: process.pid for name, process in self._running.items()}

    async def start(self, program: Program) -> None:
        """Start a program, wait until it is ready, and keep it running from then on."""
        process = await self._spawn(program)
        await self._until_ready(program, process)
        self._keepers[program.name] = asyncio.create_task(self._keep(program, process))

    async def stop(self, grace_s: float) -> None:
        """Stop everything in the reverse order of starting, the last resort after `grace_s` being a kill."""
        self._stopping = True
        for keeper in self._keepers.values():
            keeper.cancel()
        names = list(reversed(self._running))
        services = [name for name in names if name not in ("nats", "model")]
        for group in (services, [name for name in names if name not in services]):
            await asyncio.gather(*(self._end(name, grace_s) for name in group))

    async def _end(self, name: str, grace_s: float) -> None:
        process = self._running[name]
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), grace_s)
            except TimeoutError:
                log.warning("%s did not stop in %.0f s and is killed", name, grace_s)
                process.kill()
                await process.wait()
        del self._running[name]

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        file = self._logs / f"{program.name}.log"
        if file.exists() and file.stat().st_size > LOG_BYTES_MAX:
            file.replace(file.with_suffix(".log.1"))
        with file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *program.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **program.environment},
                start_new_session=True,  # a Ctrl-C in the terminal is for us; we stop them in order
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._running[program.name] = process
        return process

    async def _until_ready(self, program: Program, process: asyncio.subprocess.Process) -> None:
        deadline = asyncio.get_running_loop().time() + READY_S_MAX
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                if process.returncode is not None:
                    raise self._failed(program, process.returncode)
                try:
                    if (await client.get(program.health)).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(READY_POLL_S)
        raise ConfigurationError(
            f"{program.name} was not ready after {READY_S_MAX:.0f} s",
            f"Look into {self._logs / program.name}.log",
        )

    def _failed(self, program: Program, code: int) -> ConfigurationError:
        file = self._logs / f"{program.name}.log"
        last = file.read_text(errors="replace").strip().splitlines()[-1:] or ["(no output)"]
        if code == 2:
            return ConfigurationError(last[0].rstrip("."), f"The full log is {file}")
        return ConfigurationError(
            f"{program.name} ended at its start with code {code}: {last[0][:300]}",
            f"Look into {file}",
        )

    async def _keep(self, program: Program, process: asyncio.subprocess.Process) -> None:
        """Restart the program whenever it ends; ever more slowly while it keeps failing at once."""
        quick = 0
        while True:
            started = asyncio.get_running_loop().time()
            code = await process.wait()
            if self._stopping:
                return
            quick = quick + 1 if asyncio.get_running_loop().time() - started < 5 else 0
            log.warning("%s ended with code %s and is started again", program.name, code)
            self.restarts[program.name] = self.restarts.get(program.name, 0) + 1
            await asyncio.sleep(min(10.0, 0.1 * 2**quick))
            process = await self._spawn(program)
            self._changed()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    """In the child, before it becomes its program: be ended when the parent is gone, however that came about."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
