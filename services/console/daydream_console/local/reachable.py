"""Find out whether anything answers at a model's address, before anything else is asked of it."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from daydream_contracts.errors import ConfigurationError

CONNECT_TIMEOUT_S = 5.0
PORTS = {"http": 80, "https": 443}


def check_reachable(base_url: str) -> str:
    """Connect to a model server. Raise ConfigurationError if nothing answers there.

    A server behind a proxy is left to the gateway.
    """
    address = urlsplit(base_url)
    host = address.hostname or ""
    if address.scheme in getproxies() and not proxy_bypass(host):
        return f"{base_url}, behind a proxy"
    try:
        port = address.port or PORTS.get(address.scheme, 80)
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ConfigurationError(
            f"Cannot reach {base_url}: {reason[:1].lower()}{reason[1:]}",
            "Start the model server, or correct --base-url or DAYDREAM_MODEL_BASE_URL",
        ) from None
    return f"{base_url} answers"
