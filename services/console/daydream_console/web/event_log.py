"""The live stream of events: ids, a backlog, resumption after a break, bounded queues.

The id of an event is the position in all streams after it, such as `VERDICTS:7,INSIGHTS:2`. It
means the same at every replica of the console. A client that returns with `Last-Event-ID` gets
what came since, as far as the backlog reaches, and `resync` if that is not far enough. Events of
work queues, which are deleted when they are done, are only shown live.

Server-sent events are written by hand, in about 20 lines. sse-starlette would save half of them,
but it replaces uvicorn's exit handler at import, and the runtime stops uvicorn itself, in order.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_console.web.event_summary import summarize
from daydream_contracts.events import (
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
)
from daydream_contracts.topology import ROUTES, STREAMS, Retention

BACKLOG_MAX = 500
QUEUE_MAX = 200
HEARTBEAT_S = 10.0
SEND_EVERY_S = 0.05  # at most 20 writes per second and client
RECONNECT_MS = 1000
STORED = {stream.name for stream in STREAMS if stream.retention is Retention.LIMITS}
TRANSIENT = {route.subject: route.message for route in ROUTES if route.stream not in STORED}
Position = dict[str, int]


@dataclass(frozen=True)
class LoggedEvent:
    """An event as the page shows it. `position` is where the streams are after it."""

    position: Position
    content: dict[str, Any]
    stored: bool

    def text(self) -> str:
        """Return it in the format of server-sent events."""
        identity = f"id: {format_position(self.position)}\n" if self.stored else ""
        return f"{identity}data: {json.dumps(self.content)}\n\n"


@dataclass
class EventLog:
    """Keep the last events, and hand new ones to all listeners."""

    _backlog: deque[LoggedEvent] = field(default_factory=lambda: deque(maxlen=BACKLOG_MAX))
    _listeners: set[asyncio.Queue[LoggedEvent | None]] = field(default_factory=set)
    _position: Position = field(default_factory=dict)

    async def follow(self, nc: Client) -> None:
        """Subscribe to the events of work queues. Others come from the streams, by `add`."""
        for subject in TRANSIENT:
            await nc.subscribe(subject, cb=self._take)

    async def _take(self, message: Msg) -> None:
        try:
            event = TRANSIENT[message.subject].model_validate_json(message.data)
        except ValueError:
            return  # a message of another version; its own consumer reports it
        self.show(event)

    def show(self, event: Message) -> None:
        """Hand an event to all listeners without keeping it."""
        self._send(LoggedEvent(self._position, _content(event), stored=False))

    def add(self, stream: str, sequence: int, event: Message) -> None:
        """Add an event of a stored stream."""
        self._position = {**self._position, stream: sequence}
        logged = LoggedEvent(self._position, _content(event), stored=True)
        self._backlog.append(logged)
        self._send(logged)

    def _send(self, event: LoggedEvent) -> None:
        for queue in self._listeners:
            if queue.full():  # a slow reader: it starts again from the backlog
                _empty(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    @property
    def position(self) -> str:
        """Return the id after the last event: a listener that starts there misses nothing."""
        return format_position(self._position)

    def latest(self, count: int) -> list[dict[str, Any]]:
        """Return the last events, the newest first. Streams are read one after the other."""
        events = [event.content for event in self._backlog]
        return sorted(events, key=lambda content: str(content["at"]), reverse=True)[:count]

    def since(self, last_id: str) -> Iterable[str]:
        """Yield what came after an event, and `resync` first if the backlog is too short."""
        known = parse_position(last_id)
        newer = [event for event in self._backlog if not _covers(known, event.position)]
        if known and len(newer) == len(self._backlog) == BACKLOG_MAX:
            yield "event: resync\ndata: {}\n\n"
        yield from (event.text() for event in newer)

    async def stream(self, stopping: asyncio.Event, last_id: str) -> AsyncGenerator[str]:
        """Yield server-sent events for one listener, until it leaves or `stopping` is set."""
        queue: asyncio.Queue[LoggedEvent | None] = asyncio.Queue(QUEUE_MAX)
        self._listeners.add(queue)
        stop = asyncio.create_task(stopping.wait())
        try:
            yield f"retry: {RECONNECT_MS}\n\n"
            if last_id:
                yield "".join(self.since(last_id))
            while not stopping.is_set():
                event = asyncio.create_task(queue.get())
                done, _ = await asyncio.wait(
                    {event, stop}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
                )
                if event in done:
                    await asyncio.sleep(SEND_EVERY_S)
                    yield "".join(_texts([event.result(), *_empty(queue)]))
                else:
                    event.cancel()
                    yield ": heartbeat\n\n"
        finally:
            stop.cancel()
            self._listeners.discard(queue)


def _texts(events: Iterable[LoggedEvent | None]) -> Iterable[str]:
    for event in events:
        yield "event: resync\ndata: {}\n\n" if event is None else event.text()


def _empty(queue: asyncio.Queue[LoggedEvent | None]) -> list[LoggedEvent | None]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


def _content(event: Message) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"at": _time_of(event) or now, **summarize(event).as_json()}
    return {**content, "href": _address(event)}


def _address(event: Message) -> str:
    """Return the page of what an event is about, or an empty text."""
    match event:
        case VerdictReached() if not event.hypothesis.pair.canary:
            return f"/insights/{event.verdict_id}"
        case ReviewRecorded() | OutcomeRecorded():
            return f"/insights/{event.verdict_id}"
        case InsightPromoted() | InsightRetracted() | InsightReinstated():
            return f"/insights/{event.insight_id}"
    return ""


def _time_of(event: Message) -> str:
    names = (name for name in type(event).model_fields if name.endswith("_at"))
    times = (getattr(event, name) for name in names)
    return next((at.isoformat(timespec="seconds") for at in times if at is not None), "")


def format_position(position: Position) -> str:
    """Return the id of an event."""
    return ",".join(f"{stream}:{sequence}" for stream, sequence in sorted(position.items()))


def parse_position(last_id: str) -> Position:
    """Read an id. What can't be read is left out, so the client gets more than it needs."""
    parts = (part.rpartition(":") for part in last_id.split(",")[: len(STORED)])
    return {
        stream: int(number)
        for stream, _, number in parts
        if stream in STORED and number.isascii() and number.isdigit() and len(number) < 20
    }


def _covers(known: Position, position: Position) -> bool:
    return all(known.get(stream, 0) >= sequence for stream, sequence in position.items())
