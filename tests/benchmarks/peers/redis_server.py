"""A Redis server that syncs each write to disk, as the NATS servers of the benchmark do."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daydream_console.local.processes import free_port
from support.programs import until


def redis_program() -> str | None:
    """Return where `redis-server` is, if it is installed."""
    return shutil.which("redis-server")


@contextmanager
def redis_server(folder: Path) -> Iterator[tuple[str, int]]:
    """Run a server with its files in this folder. Yield its URL and its process id."""
    program = redis_program()
    assert program is not None
    folder.mkdir()
    port = free_port()
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",  # no snapshots: the log has everything
    }
    command = [program, *(part for name, value in options.items() for part in (f"--{name}", value))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: _listens(port), "the Redis server")
        yield f"redis://127.0.0.1:{port}/0", process.pid
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
