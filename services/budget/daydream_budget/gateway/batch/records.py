"""What the BATCHES bucket holds, and what the bucket's stream says about it.

Keys are `call.RECORD_KEY`, where RECORD_KEY is that of the call in CALLS, and `batch.INTENT_NAME`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from daydream_budget.gateway.call_bounds import CallBound
from daydream_contracts.buckets import BATCHES
from daydream_contracts.events import ContractModel
from daydream_runtime.stream_reader import StreamReader

KEY_PARTS = 2


class BatchedCall(ContractModel):
    """A call that waits for its answer, and its authorized attempt.

    `reasoning_tokens` were asked for besides the maximum of the answer. `refused` is the provider's
    reason if it will not make the call.
    """

    record_key: str
    stage: str
    model: str
    attempt_id: str
    body: dict[str, Any]
    bound: CallBound
    asked_at: datetime
    messages_digest: str = ""
    reasoning_tokens: int = 0
    refused: str = ""


class BatchIntent(ContractModel):
    """The calls of a batch that is being created (`batch_id` is empty) or in progress."""

    name: str
    model: str
    calls: tuple[str, ...]
    batch_id: str = ""


class BatchRecords:
    """The calls and intents of all models, as of the last `catch_up`."""

    def __init__(self, js: JetStreamContext, bucket: KeyValue) -> None:
        self.calls: dict[str, BatchedCall] = {}
        self.intents: dict[str, BatchIntent] = {}
        self.bucket = bucket
        self._reader = StreamReader(js, f"KV_{BATCHES.name}")
        self._sequence = 0

    async def catch_up(self) -> None:
        """Read what is new in the bucket's stream."""
        async for sequence, message in self._reader.read(self._sequence):
            self._sequence = sequence
            key = message.subject.split(".")[2:]  # after $KV.BUCKET
            if len(key) == KEY_PARTS:
                deleted = bool((message.headers or {}).get("KV-Operation"))
                self._apply(key[0], key[1], None if deleted else message.data)

    def _apply(self, kind: str, name: str, data: bytes | None) -> None:
        if kind == "call" and data is not None:
            self.calls[name] = BatchedCall.model_validate_json(data)
        elif kind == "call":
            self.calls.pop(name, None)
        elif kind == "batch" and data is not None:
            self.intents[name] = BatchIntent.model_validate_json(data)
        elif kind == "batch":
            self.intents.pop(name, None)

    def waiting(self) -> dict[str, list[BatchedCall]]:
        """Return by model the calls that no intent names and that were not refused.

        The oldest comes first.
        """
        named = {key for intent in self.intents.values() for key in intent.calls}
        calls = [call for key, call in self.calls.items() if key not in named and not call.refused]
        waiting: dict[str, list[BatchedCall]] = {}
        for call in sorted(calls, key=lambda call: call.asked_at):
            waiting.setdefault(call.model, []).append(call)
        return waiting

    def bodies(self, record_keys: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return the bodies of those calls that are not yet done."""
        return {key: self.calls[key].body for key in record_keys if key in self.calls}

    async def create_call(self, call: BatchedCall) -> None:
        """Store a new call. Raise the server's APIError if another worker has stored it."""
        await self.bucket.create(_call_key(call.record_key), call.model_dump_json().encode())

    async def find_call(self, record_key: str) -> BatchedCall:
        """Return a call from the bucket. Raise KeyNotFoundError if it is not stored."""
        entry = await self.bucket.get(_call_key(record_key))
        return BatchedCall.model_validate_json(entry.value or b"")

    async def put_call(self, call: BatchedCall) -> None:
        """Replace a call."""
        await self.bucket.put(_call_key(call.record_key), call.model_dump_json().encode())

    async def delete_call(self, record_key: str) -> None:
        """Forget a call."""
        await self.bucket.delete(_call_key(record_key))

    async def create_intent(self, intent: BatchIntent) -> None:
        """Store a new intent."""
        await self.bucket.create(_intent_key(intent.name), intent.model_dump_json().encode())

    async def put_intent(self, intent: BatchIntent) -> None:
        """Replace an intent."""
        await self.bucket.put(_intent_key(intent.name), intent.model_dump_json().encode())

    async def delete_intent(self, name: str) -> None:
        """Forget an intent."""
        await self.bucket.delete(_intent_key(name))


def _call_key(record_key: str) -> str:
    return f"call.{record_key}"


def _intent_key(name: str) -> str:
    return f"batch.{name}"
