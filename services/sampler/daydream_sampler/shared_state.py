"""The epoch in a JetStream bucket: changed by compare-and-set, so that replicas never draw the same pair."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TypeVar

from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from daydream_sampler.epoch import Epoch

R = TypeVar("R")
KEY = "uniform"
WRONG_SEQUENCE = (10071, 10164)  # of one server, and of a cluster


class SharedEpoch:
    """One epoch, shared by all replicas."""

    def __init__(self, bucket: KeyValue, *, seed: int, drawn_max: int | None) -> None:
        self._bucket = bucket
        self._fresh = Epoch(key=f"{seed:x}", drawn_max=drawn_max)

    async def read(self) -> Epoch:
        """The epoch as it is now."""
        return (await self._read())[0]

    async def change(self, change: Callable[[Epoch], tuple[Epoch, R]]) -> R:
        """Apply a pure change to the newest epoch, again if another replica was faster; what it returns."""
        while True:
            before, revision = await self._read()
            after, result = change(before)
            if after == before:
                return result
            try:
                body = after.model_dump_json().encode()
                if revision:
                    await self._bucket.update(KEY, body, last=revision)
                else:
                    await self._bucket.create(KEY, body)
                return result
            except APIError as error:
                if not isinstance(error, KeyWrongLastSequenceError) and error.err_code not in WRONG_SEQUENCE:
                    raise
                await asyncio.sleep(random.random() * 0.01)

    async def _read(self) -> tuple[Epoch, int]:
        try:
            entry = await self._bucket.get(KEY)
        except KeyNotFoundError:
            return self._fresh, 0
        return Epoch.model_validate_json(entry.value or b""), entry.revision or 0
