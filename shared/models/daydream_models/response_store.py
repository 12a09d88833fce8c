"""Answers are stored before anything else happens with them, so that a redelivered message never pays twice.

Key: the call's id, derived from what is asked for. A stored answer names the attempt that bought it: whoever finds it
settles that attempt again (which has no effect, unless the first worker died between storing and settling).
"""

from __future__ import annotations

import logging
from datetime import datetime

import nats.errors
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from pydantic import Field
from tenacity import (
    AsyncRetrying,
    before_sleep_log,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from daydream_contracts.events import ContractModel

log = logging.getLogger(__name__)
STORE_PATIENCE_S = 60.0
TEXT_BYTES_MAX = 500_000


class StoredResponse(ContractModel):
    """An answer that is paid for."""

    call_id: str
    attempt_id: str
    text: str
    finish_reason: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cost_nanousd: int | None
    answered_at: datetime
    provider_id: str = ""
    saved_nanousd: int = 0
    expected: dict[str, float] = Field(default_factory=dict)
    messages_digest: str = Field(
        default="",
        description="of what was asked; whoever finds the answer may ask with other examples",
    )


class ResponseStore:
    """The ANSWERS bucket."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    async def find(self, call_id: str) -> StoredResponse | None:
        """The stored answer of a call."""
        try:
            entry = await self._bucket.get(call_id)
        except KeyNotFoundError:
            return None
        return StoredResponse.model_validate_json(entry.value or b"")

    async def keep(self, answer: StoredResponse) -> None:
        """Store an answer, trying for a minute: the server may be restarting, and what is in hand here was paid for."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((nats.errors.Error, ConnectionError, TimeoutError)),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            stop=stop_after_delay(STORE_PATIENCE_S),
            before_sleep=before_sleep_log(log, logging.WARNING),
            reraise=True,
        ):
            with attempt:
                await self._bucket.put(answer.call_id, answer.model_dump_json().encode())
