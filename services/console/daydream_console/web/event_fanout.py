"""The live stream: plain NATS subscriptions on the subjects of the streams, fanned out to browsers.

Each browser has a bounded queue. One that reads too slowly loses the oldest events, which it can
read from the API.

Server-sent events are written by hand, in about 20 lines. sse-starlette would save half of them,
but it replaces uvicorn's exit handler at import, and the runtime stops uvicorn itself, in order.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_console.web.event_summary import EventSummary, summarize
from daydream_contracts.events import Message
from daydream_contracts.topology import ROUTES

EVENTS_MAX = 100
HEARTBEAT_S = 10.0
RECONNECT_MS = 1000
MESSAGES: dict[str, type[Message]] = {route.subject: route.message for route in ROUTES}


class EventFanout:
    """Fan events out to all listeners."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str]] = set()

    async def follow(self, nc: Client) -> None:
        """Subscribe to all subjects of the topology."""
        for subject in MESSAGES:
            await nc.subscribe(subject, cb=self._take)

    async def _take(self, message: Msg) -> None:
        if not self._listeners:
            return
        try:
            event = MESSAGES[message.subject].model_validate_json(message.data)
        except ValueError:
            return  # a message of another version; its own consumer reports it
        text = _format(summarize(event))
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(text)

    async def stream(self, stopping: asyncio.Event) -> AsyncIterator[str]:
        """Yield server-sent events for one listener, until it leaves or `stopping` is set."""
        queue: asyncio.Queue[str] = asyncio.Queue(EVENTS_MAX)
        self._listeners.add(queue)
        stop = asyncio.create_task(stopping.wait())
        try:
            yield f"retry: {RECONNECT_MS}\n\n"
            while not stopping.is_set():
                event = asyncio.create_task(queue.get())
                done, _ = await asyncio.wait(
                    {event, stop}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
                )
                if event in done:
                    yield event.result()
                else:
                    event.cancel()
                    yield ": heartbeat\n\n"
        finally:
            stop.cancel()
            self._listeners.discard(queue)


def _format(summary: EventSummary) -> str:
    return f"id: {summary.id}\ndata: {json.dumps(summary.as_json())}\n\n"
