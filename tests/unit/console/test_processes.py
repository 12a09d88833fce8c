"""Ports for the processes of one machine, and restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daydream_console.local import processes
from daydream_console.local.processes import Processes, Program
from daydream_contracts.errors import ConfigurationError
from support.polling import eventually


def web_server(port: int, moved: list[int]) -> Program:
    """Return a program that listens, and adds to `moved` the port that it is given later."""

    def elsewhere() -> Program:
        moved.append(processes.free_port())
        return web_server(moved[-1], moved)

    arguments = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    return Program("web", arguments, f"http://127.0.0.1:{port}/", {}, port, elsewhere)


def is_answering(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_a_program_whose_port_was_taken_is_restarted_at_another_one(tmp_path: Path) -> None:
    running, moved, port = Processes(tmp_path), list[int](), processes.free_port()
    await running.start(web_server(port, moved))
    os.kill(running.pids()["web"], signal.SIGKILL)
    taken = await asyncio.to_thread(take, port)
    with taken:
        await eventually(lambda: bool(moved) and is_answering(moved[0]))
        assert port not in moved
        await running.stop(1)


def take(port: int) -> socket.socket:
    """Listen on a port as soon as it is free."""
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            continue


def test_a_port_is_free_and_not_one_that_an_outgoing_connection_may_take() -> None:
    ports = {processes.free_port() for _ in range(20)}
    assert ports <= set(processes.PORTS)
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_no_taken_port_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    port = processes.free_port()
    monkeypatch.setattr(processes, "PORTS", range(port, port + 1))
    monkeypatch.setattr(processes, "PORTS_TRIED", 1)
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ConfigurationError, match="no port between"),
    ):
        processes.free_port()


async def test_what_a_program_writes_is_private_to_its_owner(tmp_path: Path) -> None:
    written = tmp_path / "written"
    port = processes.free_port()
    script = (
        "import pathlib, sys, http.server, socketserver\n"
        "pathlib.Path(sys.argv[1]).mkdir()\n"
        "pathlib.Path(sys.argv[1], 'file').write_text('secret')\n"
        "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[2]), "
        "bind='127.0.0.1')\n"
    )
    running = Processes(tmp_path)
    command = [sys.executable, "-c", script, str(written), str(port)]
    await running.start(Program("writer", command, f"http://127.0.0.1:{port}/"))
    await running.stop(1)
    for path in (written, written / "file", tmp_path / "writer.log"):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_a_program_that_says_it_is_stuck_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STUCK_POLL_S", 0.02)
    running, port = Processes(tmp_path), processes.free_port()

    async def is_stuck() -> bool:
        return running.restarts.get("web", 0) == 0

    await running.start(replace(web_server(port, []), is_stuck=is_stuck))
    first = running.pids()["web"]
    await eventually(lambda: running.pids()["web"] != first and is_answering(port))
    assert running.restarts == {"web": 1}
    await running.stop(1)
