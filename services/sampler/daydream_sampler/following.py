"""Keeps the yields of the strategies up with the VERDICTS stream, and a copy of them in the bucket, so that a start reads only the rest."""

from __future__ import annotations

import logging

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import ValidationError

from daydream_sampler.yields import Yields
from daydream_shared.messages import VerdictReached
from daydream_shared.streams import streamed
from daydream_shared.subjects import flow_of

log = logging.getLogger(__name__)
KEY = "yields.v1"
SAVE_EVERY = 50  # verdicts


class Following:
    """The fold of one replica. All replicas have the same one at the same place."""

    def __init__(self, js: JetStreamContext, bucket: KeyValue) -> None:
        self.yields = Yields()
        self._js = js
        self._bucket = bucket
        self._saved = 0

    async def load(self) -> None:
        """Begin with the kept copy; without a readable one, with the first verdict that the stream still has."""
        try:
            self.yields = Yields.model_validate_json((await self._bucket.get(KEY)).value or b"")
            self._saved = self.yields.sequence
        except KeyNotFoundError:
            pass
        except ValidationError as error:
            log.warning("the kept yields can't be read, so the verdicts are read again: %s", error)

    async def catch_up(self) -> None:
        """Count what was judged since."""
        stream = flow_of(VerdictReached).stream
        last = (await self._js.stream_info(stream)).state.last_seq
        async for sequence, message in streamed(self._js, stream, self.yields.sequence, last, gaps=True):  # an erasure may have deleted some
            try:
                self.yields.add(sequence, VerdictReached.model_validate_json(message.data))
            except ValidationError:  # of a newer version; the memory, whose durable it is, deals with it
                self.yields.sequence = sequence
        self.yields.sequence = max(self.yields.sequence, last)
        if self.yields.sequence >= self._saved + SAVE_EVERY:
            await self.save()

    async def save(self) -> None:
        """Keep a copy. Of two replicas that do so the later one wins; a copy that is behind costs reading, nothing else."""
        try:
            await self._bucket.put(KEY, self.yields.model_dump_json().encode())
            self._saved = self.yields.sequence
        except (nats.errors.Error, TimeoutError) as error:
            log.warning("the yields were not kept: %r", error)
