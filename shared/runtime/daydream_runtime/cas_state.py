"""Share a small state between replicas by compare-and-set (optimistic concurrency).

The state is one key of a JetStream bucket. A write names the revision that it was computed from. If
another replica was faster, the change is computed again from the newer state. So a change may begin
with the state that was seen a moment ago: a write on an old one is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from nats.js.errors import APIError, KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import BaseModel
from tenacity import AsyncRetrying, retry_if_exception, wait_random

from daydream_runtime.broker_errors import is_wrong_sequence

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")
RETRY_S_MAX = 0.01
SEEN_S_MAX = 1.0  # a state that was seen longer ago is read again


class CasState(Generic[M]):
    """Hold one state that all replicas share. It is `initial` until a replica changes it."""

    def __init__(self, bucket: KeyValue, key: str, initial: M) -> None:
        self._bucket = bucket
        self._key = key
        self._initial = initial
        self._seen: tuple[M, int] | None = None  # the state that was last read or written, and when
        self._seen_at = 0.0

    async def read(self) -> M:
        """Return the current state."""
        return (await self._read())[0]

    async def change(self, change: Callable[[M], tuple[M, R]]) -> R:
        """Apply a pure change to the newest state, and return its result.

        `change` returns the new state and the result. It runs again if another replica was faster.
        """
        try:
            return await self._change_once(change)  # tenacity costs as much CPU as a request
        except APIError as error:
            if not is_wrong_sequence(error):
                raise
        retrying = AsyncRetrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, APIError) and is_wrong_sequence(error)
            ),
            wait=wait_random(max=RETRY_S_MAX),
        )
        return await retrying(self._change_once, change)

    async def _change_once(self, change: Callable[[M], tuple[M, R]]) -> R:
        seen, self._seen = self._seen, None
        if time.monotonic() - self._seen_at > SEEN_S_MAX:
            seen = None
        before, revision = seen or await self._read()
        after, result = change(before)
        if after == before and seen is not None:  # nothing to write proves that it is the newest
            before, revision = await self._read()
            after, result = change(before)
        if after == before:
            return result
        body = after.model_dump_json().encode()
        # revision 0 creates the key. `create` of nats-py would read it after a refusal, and in a
        # cluster the key that refuses it may not be there to read for a moment: KeyNotFoundError
        self._see(after, await self._bucket.update(self._key, body, last=revision))
        return result

    async def _read(self) -> tuple[M, int]:
        try:
            entry = await self._bucket.get(self._key)
        except KeyNotFoundError as missing:
            # what marks a deleted key has a revision too
            revision = (missing.entry.revision or 0) if missing.entry else 0
            return self._see(self._initial, revision)
        state = type(self._initial).model_validate_json(entry.value or b"")
        return self._see(state, entry.revision or 0)

    def _see(self, state: M, revision: int) -> tuple[M, int]:
        self._seen, self._seen_at = (state, revision), time.monotonic()
        return self._seen
