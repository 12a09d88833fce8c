"""The whole loop as metrics: queues, streams, memory, and why nothing is happening.

The console reads all of it for its pages anyway. Sizes of streams are read in addition, more
seldom. What could not be read keeps its last value, and the metric of the cause says so.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from daydream_console.diagnosis import Cause, diagnose
from daydream_console.overview import Overview
from daydream_contracts.events import InsightPromoted
from daydream_contracts.metrics import console as table
from daydream_contracts.topology import STREAMS, route_of
from daydream_runtime.instruments import Values
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)
READ_EVERY_S = 15.0
Pause = Callable[[float], Awaitable[None]]


@dataclass
class StreamSizes:
    """The sizes of all streams, as they were read last."""

    js: JetStreamContext
    streams: dict[str, StreamInfo] = field(default_factory=dict)
    storage_bytes: dict[str, int] = field(default_factory=dict)
    last_insight_at: datetime | None = None

    async def read(self) -> None:
        """Read them. Keep the old ones if NATS does not answer."""
        try:
            for stream in STREAMS:
                self.streams[stream.name] = await self.js.stream_info(stream.name)
            self.last_insight_at = await self._last_insight_at()
            account = await self.js.account_info()
        except (nats.errors.Error, ConnectionError, TimeoutError) as error:
            log.debug("The sizes of streams can't be read: %r", error)
            return
        self.storage_bytes = {"used": account.storage}
        if account.limits.max_storage > 0:
            self.storage_bytes["limit"] = account.limits.max_storage

    async def _last_insight_at(self) -> datetime | None:
        """Return when the last insight was stored; without one, when its stream was made."""
        route = route_of(InsightPromoted)
        try:
            return (await self.js.get_last_msg(route.stream, route.subject)).time
        except NotFoundError:
            return self.streams[route.stream].created


class LoopMetrics:
    """Expose the loop. `latest` returns its state as the pages show it."""

    def __init__(
        self, telemetry: Telemetry, latest: Callable[[], Overview | None], sizes: StreamSizes
    ) -> None:
        self._latest = latest
        self._sizes = sizes
        for metric, values in (
            (table.CAUSE, _causes),
            (table.QUEUE, _queues),
            (table.QUEUE_AGE, _queue_ages),
            (table.STORED_DEAD_LETTERS, _dead_letters),
            (table.ITEMS, _items),
        ):
            telemetry.gauge(metric, self._of_latest(values))
        telemetry.gauge(table.INSIGHT_AGE, self._insight_age)
        telemetry.gauge(table.STREAM, self._stream_bytes)
        telemetry.gauge(table.STREAM_MESSAGES, self._stream_messages)
        telemetry.gauge(
            table.STORAGE,
            lambda: [(size, (name,)) for name, size in self._sizes.storage_bytes.items()],
        )

    async def follow(self, pause: Pause) -> None:
        """Read the sizes of streams until the task is cancelled."""
        while True:
            await self._sizes.read()
            await pause(READ_EVERY_S)

    def _of_latest(self, values: Callable[[Overview], Values]) -> Callable[[], Values]:
        def observe() -> Values:
            latest = self._latest()
            return [] if latest is None else values(latest)

        return observe

    def _insight_age(self) -> Values:
        at = self._sizes.last_insight_at
        return [] if at is None else [(max(0.0, (datetime.now(UTC) - at).total_seconds()), ())]

    def _stream_bytes(self) -> Values:
        for name, info in self._sizes.streams.items():
            yield info.state.bytes, (name, "used")
            if (info.config.max_bytes or 0) > 0:
                yield info.config.max_bytes or 0, (name, "max")

    def _stream_messages(self) -> Values:
        for name, info in self._sizes.streams.items():
            yield info.state.messages, (name, "used")
            if (info.config.max_msgs or 0) > 0:
                yield info.config.max_msgs or 0, (name, "max")


def _causes(state: Overview) -> Values:
    present = diagnose(state).cause
    return [(int(cause is present), (cause.value,)) for cause in Cause]


def _queues(state: Overview) -> Values:
    for stage in state.stages:
        yield stage.pending, (stage.service, stage.subject, "pending")
        yield stage.in_progress, (stage.service, stage.subject, "in-progress")
        yield stage.redelivered, (stage.service, stage.subject, "redelivered")


def _queue_ages(state: Overview) -> Values:
    return [(stage.oldest_s or 0.0, (stage.service, stage.subject)) for stage in state.stages]


def _dead_letters(state: Overview) -> Values:
    return [(state.dead_letters, ("stored",)), (state.dead_letters_recent, ("last-hour",))]


def _items(state: Overview) -> Values:
    memory = state.memory
    if memory is not None:
        yield memory.facts, ("facts",)
        yield memory.facts_pending, ("facts-pending",)
        yield memory.documents, ("documents",)
        yield memory.verdicts, ("verdicts",)
        yield memory.insights, ("insights",)
