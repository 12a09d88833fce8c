"""Keeps a fold of the VERDICTS stream up to date, and a copy of it in a bucket, so that a start reads only the rest."""

from __future__ import annotations

import logging
from typing import Generic, TypeVar

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import BaseModel, ValidationError

from daydream_contracts.events import VerdictReached
from daydream_contracts.topology import route_of
from daydream_runtime.background import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.service import Runtime
from daydream_runtime.stream_reader import is_replay, read_stream

log = logging.getLogger(__name__)
SAVE_EVERY = 50  # verdicts
FOLLOW_S = 1.0


class Projection(BaseModel):
    """What is known up to a place in the stream."""

    sequence: int = 0

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        """Count a verdict, once, and move `sequence` on."""
        raise NotImplementedError


F = TypeVar("F", bound=Projection)


class Projector(Generic[F]):
    """The fold of one replica. All replicas have the same one at the same place."""

    def __init__(self, js: JetStreamContext, bucket: KeyValue, key: str, fresh: F) -> None:
        self.fold = fresh
        self._js = js
        self._bucket = bucket
        self._key = key
        self._saved = 0

    async def load(self) -> None:
        """Begin with the kept copy; without a readable one, with the first verdict that the stream still has."""
        try:
            self.fold = type(self.fold).model_validate_json(
                (await self._bucket.get(self._key)).value or b""
            )
            self._saved = self.fold.sequence
        except KeyNotFoundError:
            pass
        except ValidationError as error:
            log.warning(
                "the kept copy of %s can't be read, so the verdicts are read again: %s",
                self._key,
                error,
            )

    async def catch_up(self) -> None:
        """Count what was judged since."""
        stream = route_of(VerdictReached).stream
        last = (await self._js.stream_info(stream)).state.last_seq
        async for sequence, message in read_stream(
            self._js, stream, self.fold.sequence, last, gaps=True
        ):  # an erasure may have deleted some
            if is_replay(message):
                self.fold.sequence = sequence
                continue
            try:
                self.fold.add(sequence, VerdictReached.model_validate_json(message.data))
            except (
                ValidationError
            ):  # of a newer version; the memory, whose durable it is, deals with it
                self.fold.sequence = sequence
        self.fold.sequence = max(self.fold.sequence, last)
        if self.fold.sequence >= self._saved + SAVE_EVERY:
            await self.save()

    async def save(self) -> None:
        """Keep a copy. Of two replicas that do so the later one wins; a copy that is behind costs reading, nothing else."""
        try:
            await self._bucket.put(self._key, self.fold.model_dump_json().encode())
            self._saved = self.fold.sequence
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("%s was not kept: %r", self._key, error)


async def follow(following: Projector[F], runtime: Runtime) -> None:
    """Count verdicts as they come, until the stop."""
    while not runtime.stopping.is_set():
        try:
            await following.catch_up()
            await runtime.pause(FOLLOW_S)
        except TRANSIENT_ERRORS as trouble:
            log.info("following verdicts waits: %r", trouble)
            await runtime.pause(retry_delay_s(trouble))
