"""Publish events. JetStream deduplicates them by the message id, within the stream's window."""

from __future__ import annotations

from faststream.nats import NatsBroker

from daydream_contracts.events import Message
from daydream_contracts.topology import route_of
from daydream_runtime.publish_retry import PUBLISH_TIMEOUT_S, retry_while_in_process


class EventPublisher:
    """Publish events, each on its subject. A handler with several events gets one injected.

    A handler with exactly one possible event returns it instead (see `registration`).
    """

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker

    @retry_while_in_process
    async def publish(self, event: Message) -> None:
        """Publish the event and wait for the stream to confirm it.

        The event's id is its `Nats-Msg-Id` (see `tracing`), so a repeated event is stored once.
        Raise the error of NATS if the stream is full or does not confirm within
        `PUBLISH_TIMEOUT_S`.
        """
        route = route_of(type(event))
        await self._broker.publish(
            event, route.subject, stream=route.stream, timeout=PUBLISH_TIMEOUT_S
        )
