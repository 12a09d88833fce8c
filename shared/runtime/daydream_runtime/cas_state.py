"""A small state that replicas share: one key of a JetStream bucket, changed by compare-and-set."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Generic, TypeVar

from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue
from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")
WRONG_SEQUENCE = (10071, 10164)  # of one server, and of a cluster


class CasState(Generic[M]):
    """One state, shared by all replicas; `fresh` until somebody changes it."""

    def __init__(self, bucket: KeyValue, key: str, fresh: M) -> None:
        self._bucket = bucket
        self._key = key
        self._fresh = fresh

    async def read(self) -> M:
        """The state as it is now."""
        return (await self._read())[0]

    async def change(self, change: Callable[[M], tuple[M, R]]) -> R:
        """Apply a pure change to the newest state, again if another replica was faster; what it returns."""
        while True:
            before, revision = await self._read()
            after, result = change(before)
            if after == before:
                return result
            try:
                body = after.model_dump_json().encode()
                if revision:
                    await self._bucket.update(self._key, body, last=revision)
                else:
                    await self._bucket.create(self._key, body)
                return result
            except APIError as error:
                if not is_taken(error):
                    raise
                await asyncio.sleep(random.random() * 0.01)

    async def _read(self) -> tuple[M, int]:
        try:
            entry = await self._bucket.get(self._key)
        except KeyNotFoundError:
            return self._fresh, 0
        return type(self._fresh).model_validate_json(entry.value or b""), entry.revision or 0


def is_taken(error: APIError) -> bool:
    """Another one was faster: the key is not as it was read."""
    return isinstance(error, KeyWrongLastSequenceError) or error.err_code in WRONG_SEQUENCE
