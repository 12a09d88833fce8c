"""Connect a command to NATS: it fails in time when there is no server, or when it is refused.

Services wait for a server instead (`broker.connect`).
"""

from __future__ import annotations

import asyncio

import nats.errors
from nats.aio.client import Client

from daydream_runtime.nats_url import (
    PING_S,
    PINGS_UNANSWERED_MAX,
    NatsAddress,
    is_fatal,
    unreachable,
)
from daydream_runtime.tenant_client import client_of

CONNECT_TIMEOUT_S = 5.0


async def open_connection(address: NatsAddress) -> Client:
    """Connect to NATS. Once connected, reconnect for ever: the system may restart its NATS.

    Raise ConfigurationError if there is no answer, or the connection is refused.
    """
    nc = client_of(address)
    refusals: list[Exception] = []

    async def on_error(error: Exception) -> None:
        """Stop connecting on a refusal or a distrust, which the client would retry for ever.

        Other errors surface in the call.
        """
        if is_fatal(error):
            refusals.append(error)
            connecting.cancel()

    connecting = asyncio.ensure_future(
        nc.connect(
            **address.options(),
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            ping_interval=PING_S,
            max_outstanding_pings=PINGS_UNANSWERED_MAX,
            error_cb=on_error,
        )
    )
    try:
        await asyncio.wait_for(connecting, CONNECT_TIMEOUT_S)
    except (nats.errors.Error, OSError, TimeoutError, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and not refusals:
            raise
        raise unreachable(address, refusals[0] if refusals else error) from None
    return nc
