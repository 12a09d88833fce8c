"""Deduplicate pairs: one set of those drawn, for all strategies and replicas, in a bucket.

It grows only with what was paid for. A claim takes a pair by creating its key, which only one claim
can. The value names the claim, so that taking the pair again after a crash is harmless. Each
replica reads the bucket's stream, so that strategies propose nothing that is taken. Where a replica
lags behind, taking decides.
"""

from __future__ import annotations

from collections import Counter

from nats.js import JetStreamContext
from nats.js.errors import APIError
from nats.js.kv import KeyValue

from daydream_contracts.buckets import DRAWN_PAIRS
from daydream_runtime.broker_errors import is_wrong_sequence
from daydream_runtime.stream_reader import StreamReader
from daydream_sampler.pair_numbers import ordinals_of

STREAM = f"KV_{DRAWN_PAIRS.name}"


class DrawnPairs:
    """The drawn pairs of one epoch, as far as this replica has read them.

    `draws[ordinal]`: in how many drawn pairs a fact is.
    """

    def __init__(self, js: JetStreamContext, bucket: KeyValue, epoch: int) -> None:
        self.draws: Counter[int] = Counter()
        self.epoch = epoch
        self._js = js
        self._bucket = bucket
        self._reader = StreamReader(js, STREAM)
        self._numbers: set[int] = set()
        self._last_sequence = 0

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def of(self, epoch: int) -> DrawnPairs:
        """Return the set of another epoch, of which nothing is read yet."""
        return DrawnPairs(self._js, self._bucket, epoch)

    async def catch_up(self) -> None:
        """Read what was taken since the last call."""
        async for sequence, message in self._reader.read(self._last_sequence):
            self._last_sequence = sequence
            epoch, number = message.subject.rsplit(".", 2)[-2:]
            if int(epoch) == self.epoch:
                self.add(int(number))

    async def take(self, number: int, claim_id: str, epoch: int = 0) -> bool:
        """Take a pair for a claim, in this epoch or in `epoch`. Idempotent.

        Return False when another claim has it.
        """
        key = f"{epoch or self.epoch}.{number}"
        try:
            await self._bucket.update(key, claim_id.encode(), last=0)  # create it
        except APIError as error:
            if not is_wrong_sequence(error):
                raise
            self.add(number)
            return (await self._bucket.get(key)).value == claim_id.encode()
        self.add(number)
        return True

    def add(self, number: int) -> None:
        """Count a pair as drawn."""
        if number not in self._numbers:
            self._numbers.add(number)
            self.draws.update(ordinals_of(number))
