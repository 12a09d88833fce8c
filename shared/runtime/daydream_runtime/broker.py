"""Create a service's FastStream broker, and connect it to NATS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import nats.errors
from faststream.nats import NatsBroker
from nats.aio.client import Client

from daydream_runtime.nats_client import PermissionDeniedError
from daydream_runtime.nats_url import (
    PING_S,
    PINGS_UNANSWERED_MAX,
    NatsAddress,
    refused,
    unreachable,
)
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.tenant_client import client_of

log = logging.getLogger(__name__)
ErrorCallback = Callable[[Exception], Awaitable[None]]
DRAIN_TIMEOUT_S = 5.0


class ServiceBroker(NatsBroker):
    """Connect as the service's own user. Stop without failing or hanging.

    A lost connection may be why the service stops.
    """

    stop_timeout_s = 30.0
    address = NatsAddress(())
    was_connected = False

    async def _connect(self) -> Client:
        """Connect with our own client. The key files are read here, not when it is built."""
        connection = client_of(self.address)
        await connection.connect(**{**self._connection_kwargs, **self.address.options()})
        self.config.connect(connection)
        self.was_connected = True
        return connection

    def _log_connection_broken(self, error_cb: ErrorCallback | None = None) -> ErrorCallback:
        """Report a refusal at the start only.

        FastStream's callback raises it. Later that would end the loop in which nats-py connects
        again: the service would be neither connected nor closed for good.
        """
        reporting = super()._log_connection_broken(error_cb)

        async def report(error: Exception) -> None:
            try:
                await reporting(error)
            except nats.errors.Error:
                if not self.was_connected:
                    raise

        return report

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
        level = logging.ERROR if isinstance(error, PermissionDeniedError) else logging.WARNING
        log.log(level, "nats: %s", str(error) or type(error).__name__)

    address = settings.nats_address
    broker = ServiceBroker(
        list(address.servers),
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
    broker.address = address
    return broker


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
