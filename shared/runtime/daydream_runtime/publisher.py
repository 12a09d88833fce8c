"""Publish events."""

from __future__ import annotations

from faststream.nats import NatsBroker
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from daydream_contracts.events import Message
from daydream_contracts.topology import route_of
from daydream_runtime.broker_errors import DUPLICATE_IN_PROCESS, error_code

PUBLISH_TIMEOUT_S = 5.0  # FastStream's default is 0.5 s
IN_PROCESS_WAIT_S_MAX = 0.3

retry_while_in_process = retry(
    retry=retry_if_exception(lambda error: error_code(error) == DUPLICATE_IN_PROCESS),
    wait=wait_random(max=IN_PROCESS_WAIT_S_MAX),
    stop=stop_after_delay(PUBLISH_TIMEOUT_S),
    reraise=True,
)
"""Publish again while a cluster still replicates the first copy of the same message."""


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
