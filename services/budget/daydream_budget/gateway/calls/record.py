"""What a CALLS bucket holds of one call: who works on it, or its answer.

A record is JSON. One above `PLAIN_BYTES_MAX` is compressed: answers with token probabilities are
large, and a NATS message has a maximum.
"""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from daydream_contracts.events import ContractModel

PLAIN_BYTES_MAX = 100_000
COMPRESSED = b"\x78"  # the first byte of a zlib stream; JSON begins with a brace


class StoredAnswer(ContractModel):
    """An answer that is paid for. `body` is what the caller gets, in OpenAI's shape."""

    attempt_id: str
    cost_nanousd: int | None
    saved_nanousd: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    provider_id: str = ""
    answered_at: datetime
    messages_digest: str = ""
    disposition: str = "answer"
    kind: str = "answer"
    body: dict[str, Any]


class CallRecord(ContractModel):
    """The state of a call.

    absent: it was not asked yet. claimed: `owner` works on it. free: an attempt failed, and it may
    be asked again. answered: `answer` is paid for. `owner_crashes` counts owners that died in
    it. `digest` is that of the first request.
    """

    state: Literal["absent", "claimed", "free", "answered"] = "absent"
    owner: str = ""
    claim: str = Field(default="", description="a new name for each claim, also by the same owner")
    owner_crashes: int = 0
    digest: str = ""
    answer: StoredAnswer | None = None


def encode(record: CallRecord) -> bytes:
    """Return the bytes of a record."""
    content = record.model_dump_json(exclude_defaults=True).encode()
    return content if len(content) <= PLAIN_BYTES_MAX else zlib.compress(content)


def decode(content: bytes) -> CallRecord:
    """Return the record of these bytes."""
    plain = zlib.decompress(content) if content[:1] == COMPRESSED else content
    return CallRecord.model_validate_json(plain)


def record_key(scope: str, call_id: str) -> str:
    """Return the key of a call. Callers choose their ids freely; a key has safe characters only.

    `scope` is the caller's own, so no caller reads the answer of another one.
    """
    return hashlib.sha256(f"{scope}\n{call_id}".encode()).hexdigest()
