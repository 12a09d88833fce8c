"""Keep the insight index up to date with its streams.

Each stream has a mark in the index: the sequence up to which it was read. A stream that was made
again, or from which messages were erased, starts the index from nothing, so that no erased text
stays in it. What left the stream of verdicts by age is read from the memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from pydantic import BaseModel, ValidationError

from daydream_console.insights.aged_verdicts import AgedVerdicts
from daydream_console.insights.index import InsightIndex
from daydream_contracts.errors import DaydreamError
from daydream_contracts.events import (
    AlertRaised,
    CommandReceived,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.topology import ROUTES, route_of
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.stream_reader import consumer_config, is_resend

log = logging.getLogger(__name__)
BATCH = 200
APPLIED_AT_ONCE = 20  # then other work of the event loop gets its turn
WAIT_S = 5.0
AGED_S = 10.0
REWIND = 100  # events that are read again after a restart: they are shown as the latest
READ = (
    VerdictReached,
    InsightPromoted,
    ReviewRecorded,
    OutcomeRecorded,
    VisibilityChanged,
    AlertRaised,
    CommandReceived,
)  # the last three are only shown
VERDICTS = route_of(VerdictReached).stream
STREAMS = tuple(dict.fromkeys(route_of(message).stream for message in READ))
MESSAGES: dict[str, type[Message]] = {
    route.subject: route.message for route in ROUTES if route.stream in STREAMS
}
Seen = Callable[[str, int, Message], None]


class StreamMark(BaseModel):
    """Say up to where a stream was read, and which stream it was."""

    sequence: int = 0
    created: str = ""
    deleted: int = 0


@dataclass
class IndexFollower:
    """Read the streams into the index. `seen` gets (stream, sequence, event) after each."""

    index: InsightIndex
    js: JetStreamContext
    aged: AgedVerdicts
    pause: Callable[[float], Awaitable[None]]
    seen: Seen = lambda _, __, ___: None
    marks: dict[str, StreamMark] = field(default_factory=dict)
    caught_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self) -> None:
        """Read the streams until the task is cancelled."""
        while True:
            try:
                await self.catch_up()
                self.caught_up.set()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._follow_aged())
                    for stream in STREAMS:
                        group.create_task(self._follow(stream))
            except* TRANSIENT_ERRORS as errors:
                log.info("the insight index waits: %r", errors.exceptions[0])
                await self.pause(retry_delay_s(_first(errors)))
            except* StreamChangedError as errors:
                log.info("the insight index starts again: %s", errors.exceptions[0])

    async def catch_up(self) -> None:
        """Read what the streams hold now."""
        states = {stream: await self._state(stream) for stream in STREAMS}
        self._load_marks()
        if any(self._differs(stream, state) for stream, state in states.items()):
            self._clear()
        for stream, (created, state) in states.items():
            mark = self.marks[stream]
            mark.created, mark.deleted = created, state.num_deleted or 0
            if mark.sequence < state.last_seq and state.messages:
                await self._read(stream, state.last_seq)
            mark.sequence = max(mark.sequence, state.last_seq)
        self._save_marks()
        # without aged verdicts there is nothing else to read
        self.index.complete = self.aged.complete or states[VERDICTS][1].first_seq <= 1

    async def _follow_aged(self) -> None:
        """Read what left the stream of verdicts. It waits for the memory, and nothing for it."""
        while True:
            with contextlib.suppress(DaydreamError):
                await self.aged.read((await self._state(VERDICTS))[1].first_seq)
                self.index.complete = True
            await asyncio.sleep(AGED_S)

    async def _state(self, stream: str) -> tuple[str, api.StreamState]:
        info = await self.js.stream_info(stream)
        return str(info.created), info.state

    def _load_marks(self) -> None:
        rows = self.index.database.execute("select stream, body from marks").fetchall()
        stored = {
            stream: StreamMark.model_validate_json(body)
            for stream, body in rows
            if stream in STREAMS
        }
        if not self.marks:
            for mark in stored.values():
                mark.sequence = max(0, mark.sequence - REWIND)
        self.marks = {stream: stored.get(stream, StreamMark()) for stream in STREAMS}

    def _save_marks(self) -> None:
        for stream, mark in self.marks.items():
            self.index.database.execute(
                "insert or replace into marks values(?, ?)", (stream, mark.model_dump_json())
            )

    def _differs(self, stream: str, state: tuple[str, api.StreamState]) -> bool:
        mark, (created, now) = self.marks[stream], state
        if not mark.created:
            return False
        erased = (now.num_deleted or 0) > mark.deleted
        return mark.created != created or erased or now.last_seq < mark.sequence

    def _clear(self) -> None:
        self.index.clear()
        self.marks = {stream: StreamMark() for stream in STREAMS}

    async def _read(self, stream: str, last: int) -> None:
        """Apply the messages up to `last`."""
        subscription = await self._subscribe(stream)
        try:
            while self.marks[stream].sequence < last:
                await self._apply(stream, await subscription.fetch(BATCH, timeout=WAIT_S))
        except TimeoutError:  # the last ones were deleted meanwhile
            return
        finally:
            await _close(subscription)

    async def _follow(self, stream: str) -> None:
        """Apply messages as they come. Every quiet moment, look whether some were erased."""
        subscription = await self._subscribe(stream)
        try:
            while True:
                try:
                    await self._apply(stream, await subscription.fetch(BATCH, timeout=WAIT_S))
                except TimeoutError:
                    await self._check(stream)
                self._save_marks()
        finally:
            await _close(subscription)

    async def _check(self, stream: str) -> None:
        created, state = await self._state(stream)
        if self._differs(stream, (created, state)):
            raise StreamChangedError(stream)
        self.marks[stream].deleted = state.num_deleted or 0

    async def _subscribe(self, stream: str) -> JetStreamContext.PullSubscription:
        config = consumer_config(self.marks[stream].sequence)
        return await self.js.pull_subscribe("", stream=stream, config=config)

    async def _apply(self, stream: str, messages: list[Msg]) -> None:
        for number, message in enumerate(messages, 1):
            sequence = message.metadata.sequence.stream
            if not is_resend(message):
                self._apply_message(stream, sequence, message)
            self.marks[stream].sequence = sequence
            if number % APPLIED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _apply_message(self, stream: str, sequence: int, message: Msg) -> None:
        try:
            event = MESSAGES[message.subject].model_validate_json(message.data)
        except (KeyError, ValidationError):  # of another version; its own consumer reports it
            return
        match event:
            case VerdictReached():
                self.index.add_verdict(event, sequence, trace_of(message.headers or {}))
            case InsightPromoted():
                self.index.add_promotion(event)
            case InsightRetracted() | InsightReinstated():
                self.index.add_visibility(event)
            case ReviewRecorded():
                self.index.add_review(event)
            case OutcomeRecorded():
                self.index.add_outcome(event)
        self.seen(stream, sequence, event)


class StreamChangedError(Exception):
    """Messages were erased from a stream, or it was made again."""


def trace_of(headers: dict[str, str]) -> str:
    """Return the trace id of a W3C `traceparent` header, or an empty text."""
    parts = headers.get("traceparent", "").split("-")
    return parts[1] if len(parts) == 4 else ""


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    return errors.exceptions[0]


async def _close(subscription: JetStreamContext.PullSubscription) -> None:
    with contextlib.suppress(nats.errors.Error, TimeoutError):
        await subscription.unsubscribe()
