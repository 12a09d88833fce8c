"""Ports for the processes of one machine."""

from __future__ import annotations

import socket

import pytest

from daydream_console.local import processes
from daydream_contracts.errors import ConfigurationError


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
