"""What the BATCHES bucket holds, and what the bucket's stream says about it.

Keys are `call.STAGE.CALL_ID` and `batch.STAGE.INTENT_NAME`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from daydream_contracts.events import ContractModel
from daydream_contracts.topology import BATCHES
from daydream_runtime.stream_reader import read_stream

KEY_PARTS = 3


class BatchedCall(ContractModel):
    """A call that waits for its answer, and its authorized attempt.

    `refused` is the provider's reason if it will not make the call.
    """

    call_id: str
    attempt_id: str
    body: dict[str, Any]
    upper_bound_nanousd: int
    asked_at: datetime
    refused: str = ""


class BatchIntent(ContractModel):
    """The calls of a batch that is being created (`batch_id` is empty) or in progress."""

    name: str
    calls: tuple[str, ...]
    batch_id: str = ""


class BatchRecords:
    """The calls and intents of one stage, as of the last `catch_up`."""

    def __init__(self, js: JetStreamContext, bucket: KeyValue, stage: str) -> None:
        self.calls: dict[str, BatchedCall] = {}
        self.intents: dict[str, BatchIntent] = {}
        self._js = js
        self.bucket = bucket
        self._stage = stage
        self._sequence = 0

    async def catch_up(self) -> None:
        """Read what is new in the bucket's stream."""
        stream = f"KV_{BATCHES.name}"
        last = (await self._js.stream_info(stream)).state.last_seq
        messages = read_stream(self._js, stream, self._sequence, last, gaps=True)
        async for sequence, message in messages:
            self._sequence = sequence
            key = message.subject.split(".")[2:]  # after $KV.BUCKET
            if len(key) == KEY_PARTS and key[1] == self._stage:
                deleted = bool((message.headers or {}).get("KV-Operation"))
                self._apply(key[0], key[2], None if deleted else message.data)

    def _apply(self, kind: str, name: str, data: bytes | None) -> None:
        if kind == "call" and data is not None:
            self.calls[name] = BatchedCall.model_validate_json(data)
        elif kind == "call":
            self.calls.pop(name, None)
        elif kind == "batch" and data is not None:
            self.intents[name] = BatchIntent.model_validate_json(data)
        elif kind == "batch":
            self.intents.pop(name, None)

    def waiting(self) -> list[BatchedCall]:
        """Return the calls that no intent names and that were not refused, the oldest first."""
        named = {call_id for intent in self.intents.values() for call_id in intent.calls}
        return sorted(
            (
                call
                for call_id, call in self.calls.items()
                if call_id not in named and not call.refused
            ),
            key=lambda call: call.asked_at,
        )

    def bodies(self, call_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return the bodies of those calls that are not yet done."""
        return {call_id: self.calls[call_id].body for call_id in call_ids if call_id in self.calls}

    async def create_call(self, call: BatchedCall) -> None:
        """Store a new call. Raise the server's APIError if another worker has stored it."""
        await self.bucket.create(self.call_key(call.call_id), call.model_dump_json().encode())

    async def find_call(self, call_id: str) -> BatchedCall:
        """Return a call from the bucket. Raise KeyNotFoundError if it is not stored."""
        entry = await self.bucket.get(self.call_key(call_id))
        return BatchedCall.model_validate_json(entry.value or b"")

    async def put_call(self, call: BatchedCall) -> None:
        """Replace a call."""
        await self.bucket.put(self.call_key(call.call_id), call.model_dump_json().encode())

    async def delete_call(self, call_id: str) -> None:
        """Forget a call."""
        await self.bucket.delete(self.call_key(call_id))

    async def create_intent(self, intent: BatchIntent) -> None:
        """Store a new intent."""
        await self.bucket.create(self._intent_key(intent.name), intent.model_dump_json().encode())

    async def put_intent(self, intent: BatchIntent) -> None:
        """Replace an intent."""
        await self.bucket.put(self._intent_key(intent.name), intent.model_dump_json().encode())

    async def delete_intent(self, name: str) -> None:
        """Forget an intent."""
        await self.bucket.delete(self._intent_key(name))

    def call_key(self, call_id: str) -> str:
        """Return the key of a call in the bucket."""
        return f"call.{self._stage}.{call_id}"

    def _intent_key(self, name: str) -> str:
        return f"batch.{self._stage}.{name}"
