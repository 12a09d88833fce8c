"""The port of the gateway on this machine: the one that is set, or any free one."""

from __future__ import annotations

import os

from daydream_console.local.processes import free_port, is_free
from daydream_contracts.errors import ConfigurationError

PORT_VARIABLE = "DAYDREAM_GATEWAY_HTTP_PORT"
PORT_MAX = 65_535


def gateway_port() -> int:
    """Return the port that the gateway is to have.

    Programs of the lab know it, so a port that is set is never replaced by another one. Raise
    ConfigurationError if it is no port, or taken.
    """
    text = os.environ.get(PORT_VARIABLE, "").strip()
    if text in ("", "0"):
        return free_port()
    if not text.isdecimal() or int(text) > PORT_MAX:
        raise ConfigurationError(
            f"{PORT_VARIABLE} is {text!r}, which is no port", f"Use a number up to {PORT_MAX}"
        )
    port = int(text)
    if not is_free(port):
        raise ConfigurationError(
            f"port {port}, which {PORT_VARIABLE} sets for the gateway, is taken",
            "End the program that uses it, or set another port; without the setting any free port "
            "is taken",
        )
    return port
