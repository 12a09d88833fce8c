"""A service's connection to NATS, as FastStream makes it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import nats.errors
from faststream.nats import NatsBroker
from faststream.nats.security import NatsToken
from faststream.security import BaseSecurity, SASLPlaintext
from nats.aio.client import Client

from daydream_runtime.nats_url import NatsAddress, refused, unreachable
from daydream_runtime.settings import ServiceSettings

log = logging.getLogger(__name__)


def make_broker(settings: ServiceSettings, closed: Callable[[], Awaitable[None]]) -> NatsBroker:
    """Not connected yet. `closed` is called when the connection is closed for good."""

    async def on_error(error: Exception) -> None:
        # a denied publish looks like a timeout to its caller; its reason comes only here
        log.warning("nats: %s", error or type(error).__name__)

    address = settings.nats_address
    return NatsBroker(
        list(address.servers),
        security=_security(address),
        name=f"daydream-{settings.service}-{settings.instance}",
        max_reconnect_attempts=-1,  # after the default 60 the process would spin, ignore SIGTERM and never recover
        reconnect_time_wait=1,
        connect_timeout=5,
        graceful_timeout=settings.stop_timeout_s,
        error_cb=on_error,
        closed_cb=closed,
        logger=logging.getLogger(
            "daydream_runtime.faststream"
        ),  # its own one would write lines that are not JSON
        log_level=logging.DEBUG,
    )


def _security(address: NatsAddress) -> BaseSecurity | None:
    if address.password is not None:
        return SASLPlaintext(username=address.user or "", password=address.password)
    return None if address.token is None else NatsToken(address.token)


async def connect(broker: NatsBroker, settings: ServiceSettings) -> Client:
    """Connect, waiting for a server that is away. ConfigurationError where it refuses who we are: that no waiting fixes."""
    try:
        return await broker.connect()
    except nats.errors.Error as error:
        if refused(error):
            raise unreachable(settings.nats_address, error) from None
        raise
