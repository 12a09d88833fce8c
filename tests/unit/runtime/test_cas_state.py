"""A change by compare-and-set in a cluster, where a stored key can't be read for a moment."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue
from pydantic import BaseModel

from daydream_runtime.cas_state import CasState


class Count(BaseModel):
    number: int = 0


class FakeHidingBucket:
    """A bucket whose key was stored by another replica, and is not found by the first reads."""

    def __init__(self, hidden_reads: int) -> None:
        self.hidden_reads = hidden_reads
        self.value, self.revision = Count(number=5).model_dump_json().encode(), 1

    async def get(self, _: str) -> Any:
        self.hidden_reads -= 1
        if self.hidden_reads >= 0:
            raise KeyNotFoundError
        return SimpleNamespace(value=self.value, revision=self.revision)

    async def update(self, _: str, value: bytes, *, last: int) -> int:
        if last != self.revision:
            raise KeyWrongLastSequenceError
        self.value, self.revision = value, last + 1
        return self.revision


async def test_a_change_waits_for_the_key_that_refuses_it() -> None:
    bucket = FakeHidingBucket(hidden_reads=3)
    state = CasState(cast(KeyValue, bucket), "key", Count())
    result = await state.change(lambda count: (Count(number=count.number + 1), count.number))
    assert result == 5
    assert (await state.read()).number == 6


class FakeDeletedBucket(FakeHidingBucket):
    """A bucket whose key was deleted: it can't be read, and its mark has a revision."""

    def __init__(self) -> None:
        super().__init__(hidden_reads=0)
        self.is_deleted = True

    async def get(self, key: str) -> Any:
        if self.is_deleted:
            raise KeyNotFoundError(SimpleNamespace(revision=self.revision), "DEL")
        return await super().get(key)

    async def update(self, key: str, value: bytes, *, last: int) -> int:
        revision = await super().update(key, value, last=last)
        self.is_deleted = False
        return revision


async def test_a_deleted_key_is_created_again() -> None:
    state = CasState(cast(KeyValue, FakeDeletedBucket()), "key", Count())
    await state.change(lambda count: (Count(number=count.number + 1), None))
    assert (await state.read()).number == 1
