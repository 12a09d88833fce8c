"""The gateway's port on one machine: a port that is set is kept, or the start says what to do."""

from __future__ import annotations

import socket

import pytest

from daydream_console.local.gateway_port import PORT_VARIABLE, gateway_port
from daydream_console.local.processes import free_port
from daydream_contracts.errors import ConfigurationError


def test_a_port_that_is_set_and_free_is_the_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv(PORT_VARIABLE, str(port))
    assert gateway_port() == port


@pytest.mark.parametrize("value", ["", "0", " "])
def test_without_a_port_any_free_one_is_taken(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(PORT_VARIABLE, value)
    assert gateway_port() > 0


def test_a_port_that_is_taken_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv(PORT_VARIABLE, str(port))
        with pytest.raises(ConfigurationError, match=f"port {port}.*{PORT_VARIABLE}.*taken"):
            gateway_port()


@pytest.mark.parametrize("value", ["http", "-1", "70000"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(PORT_VARIABLE, value)
    with pytest.raises(ConfigurationError, match="no port"):
        gateway_port()
