"""Keep a projection of the VERDICTS stream up to date.

A projection is state computed from a stream. A snapshot of it is stored in a bucket, so that a
start reads only what came later. A verdict that comes again behind the duplicate window of the
stream counts once, if it is among the last `RECENT_MAX`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Generic, TypeVar

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import BaseModel, Field, ValidationError

from daydream_contracts.events import VerdictReached
from daydream_contracts.topology import route_of
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.stream_reader import StreamReader, is_resend

log = logging.getLogger(__name__)
SAVE_EVERY = 50  # verdicts
FOLLOW_S = 1.0
RECENT_MAX = 1000  # verdicts: hours of work, and about 40 kB of a snapshot


class Projection(BaseModel):
    """Hold the state after the verdict with this `sequence`. `recent`: ids of the last ones."""

    sequence: int = 0
    recent: list[str] = Field(default_factory=list)

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        """Apply a verdict and set `sequence` to its own.

        A sequence that was applied has no effect.
        """
        raise NotImplementedError


P = TypeVar("P", bound=Projection)


class Projector(Generic[P]):
    """Hold the projection of one replica. At the same sequence all replicas have the same one."""

    def __init__(self, js: JetStreamContext, bucket: KeyValue, key: str, initial: P) -> None:
        self.projection = initial
        self._verdicts = StreamReader(js, route_of(VerdictReached).stream)
        self._reading = asyncio.Lock()
        self._bucket = bucket
        self._key = key
        self._saved = 0

    async def load(self) -> None:
        """Read the snapshot. Without a readable one, start with the first verdict in the stream."""
        try:
            self.projection = type(self.projection).model_validate_json(
                (await self._bucket.get(self._key)).value or b""
            )
            self._saved = self.projection.sequence
        except KeyNotFoundError:
            pass
        except ValidationError as error:
            log.warning(
                "the snapshot of %s is invalid, so the verdicts are read again: %s",
                self._key,
                error,
            )

    async def catch_up(self) -> None:
        """Apply the verdicts that came since."""
        async with self._reading:
            async for sequence, message in self._verdicts.read(self.projection.sequence):
                if not is_resend(message):
                    self._apply(sequence, message.data)
                self.projection.sequence = sequence
        if self.projection.sequence >= self._saved + SAVE_EVERY:
            await self.save()

    def _apply(self, sequence: int, body: bytes) -> None:
        try:
            verdict = VerdictReached.model_validate_json(body)
        except ValidationError:  # of a newer version: the memory makes it a dead letter
            return
        recent = self.projection.recent
        if verdict.verdict_id not in recent:
            self.projection.add(sequence, verdict)
            recent.append(verdict.verdict_id)
            del recent[:-RECENT_MAX]

    async def save(self) -> None:
        """Store a snapshot. The last replica wins; an old snapshot only costs reading."""
        try:
            await self._bucket.put(self._key, self.projection.model_dump_json().encode())
            self._saved = self.projection.sequence
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("the snapshot of %s was not stored: %r", self._key, error)


async def follow(projector: Projector[P], runtime: Runtime) -> None:
    """Apply verdicts as they come, until the stop."""
    while not runtime.stopping.is_set():
        try:
            await projector.catch_up()
            await runtime.pause(FOLLOW_S)
        except TRANSIENT_ERRORS as error:
            log.info("the projection waits: %r", error)
            await runtime.pause(retry_delay_s(error))
