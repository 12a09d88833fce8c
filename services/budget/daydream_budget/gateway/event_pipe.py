"""Events between the task that reads a provider and a caller that reads at its own pace.

A caller that is slower than the provider delays no turn and no settlement: `EVENTS_MAX` events wait
here. Beyond them the task waits too, until its time is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

EVENTS_MAX = 4096  # an answer of usual length as a whole; `Provider` limits its bytes


class SlowReaderError(Exception):
    """Says that a caller has left events unread for too long."""


class EventPipe:
    """The events of one stream."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(EVENTS_MAX)

    async def put(self, event: bytes, deadline_s: float) -> None:
        """Add an event. Raise SlowReaderError if there is no room until then."""
        if self._room.locked():
            try:
                async with asyncio.timeout_at(deadline_s):
                    await self._room.acquire()
            except TimeoutError:
                raise SlowReaderError from None
        else:
            await self._room.acquire()
        self._events.put_nowait(event)

    def close(self) -> None:
        """End the stream behind what was added."""
        self._events.put_nowait(None)

    async def events(self) -> AsyncIterator[bytes]:
        """Yield the events until the stream is closed."""
        while (event := await self._events.get()) is not None:
            self._room.release()
            yield event
