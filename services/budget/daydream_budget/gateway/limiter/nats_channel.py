"""Reports between replicas over a core NATS subject.

Only the last report counts, so only one is held back while the connection is slow, and none while
there is no connection: it would arrive when its durations are no longer true.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_contracts.topology import GATEWAY_LIMITER_SUBJECT

log = logging.getLogger(__name__)
PENDING_MAX = 1000


class NatsReplicaChannel:
    """Carry reports over the connection of a service. Use as an async context manager."""

    def __init__(self, nc: Client, subject: str = GATEWAY_LIMITER_SUBJECT) -> None:
        self._nc, self._subject = nc, subject
        self._receivers: list[Callable[[bytes], None]] = []
        self._body: bytes | None = None
        self._wake = asyncio.Event()

    async def __aenter__(self) -> NatsReplicaChannel:
        self._subscription = await self._nc.subscribe(
            self._subject, cb=self._on_message, pending_msgs_limit=PENDING_MAX
        )
        self._sender = asyncio.create_task(self._send_bodies())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        if not self._nc.is_closed:
            await self._publish()  # the report that this replica leaves
            await self._subscription.unsubscribe()

    @property
    def connected(self) -> bool:
        """Return True while the connection is up."""
        return bool(self._nc.is_connected)

    def send(self, body: bytes) -> None:
        """Send a report soon; a later one replaces it."""
        self._body = body
        self._wake.set()

    def listen(self, receive: Callable[[bytes], None]) -> None:
        """Pass every report to `receive`."""
        self._receivers.append(receive)

    async def _on_message(self, message: Msg) -> None:
        for receive in self._receivers:
            receive(message.data)

    async def _send_bodies(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._publish()

    async def _publish(self) -> None:
        body, self._body = self._body, None
        if body is None or not self._nc.is_connected:
            return
        try:
            await self._nc.publish(self._subject, body)
        except Exception as error:  # sharing must not end: the next report may arrive
            log.warning("a report to other replicas was lost: %r", error)
