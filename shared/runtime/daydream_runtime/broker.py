"""Create a service's FastStream broker, and connect it to NATS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import nats.errors
from faststream.nats import NatsBroker
from faststream.nats.security import NatsToken
from faststream.security import BaseSecurity, SASLPlaintext
from nats.aio.client import Client

from daydream_runtime.nats_url import (
    PING_S,
    PINGS_UNANSWERED_MAX,
    NatsAddress,
    refused,
    unreachable,
)
from daydream_runtime.settings import ServiceSettings

log = logging.getLogger(__name__)
DRAIN_TIMEOUT_S = 5.0


class ServiceBroker(NatsBroker):
    """Stop without failing or hanging: a lost connection may be why the service stops."""

    stop_timeout_s = 30.0

    async def stop(self, *args: Any, **kwargs: Any) -> None:
        """Stop the subscribers and drain the connection. Log what fails."""
        try:
            await asyncio.wait_for(super().stop(*args, **kwargs), self.stop_timeout_s)
        except Exception as error:
            log.warning("the connection was not drained: %r", error)


def make_broker(
    settings: ServiceSettings,
    closed: Callable[[], Awaitable[None]],
    middlewares: Sequence[Any] = (),
) -> NatsBroker:
    """Create a broker that is not connected yet.

    `closed` is called when its connection is closed.
    """

    async def on_error(error: Exception) -> None:
        # A denied publish looks like a timeout to its caller. Its reason arrives only here.
        log.warning("nats: %s", str(error) or type(error).__name__)

    address = settings.nats_address
    broker = ServiceBroker(
        list(address.servers),
        security=_security(address),
        name=f"daydream-{settings.service}-{settings.instance}",
        max_reconnect_attempts=-1,  # after the default 60 it spins, ignores SIGTERM, never recovers
        reconnect_time_wait=1,
        connect_timeout=5,
        ping_interval=PING_S,
        max_outstanding_pings=PINGS_UNANSWERED_MAX,
        graceful_timeout=settings.stop_timeout_s,  # None would cancel at once
        error_cb=on_error,
        closed_cb=closed,
        logger=logging.getLogger("daydream_runtime.faststream"),  # its own writes no JSON
        log_level=logging.DEBUG,  # its two lines per message
        middlewares=middlewares,
    )
    broker.stop_timeout_s = settings.stop_timeout_s + DRAIN_TIMEOUT_S
    return broker


def _security(address: NatsAddress) -> BaseSecurity | None:
    if address.password is not None:
        return SASLPlaintext(username=address.user or "", password=address.password)
    return None if address.token is None else NatsToken(address.token)


async def connect(broker: NatsBroker, settings: ServiceSettings) -> Client:
    """Connect, and wait for a server that is away.

    Raise ConfigurationError if it rejects the credentials.
    """
    try:
        return await broker.connect()
    except nats.errors.Error as error:
        if refused(error):
            raise unreachable(settings.nats_address, error) from None
        raise
