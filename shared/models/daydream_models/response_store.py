"""Store each response before anything else happens with it: a redelivered message never pays twice.

The key is the id of the call. A stored response names the attempt that paid for it. A worker that
finds it settles that attempt again, which has no effect unless the first worker died in between.
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
STORE_RETRY_S_MAX = 60.0
STORE_RETRY_WAIT_S = 0.1
STORE_RETRY_WAIT_S_MAX = 2.0
TEXT_BYTES_MAX = 500_000


class StoredResponse(ContractModel):
    """A response that is paid for."""

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
        description="digest of the messages that were sent; a later request of the same call may "
        "have other examples",
    )


class ResponseStore:
    """The RESPONSES bucket."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    async def find(self, call_id: str) -> StoredResponse | None:
        """Return the stored response of a call, or None."""
        try:
            entry = await self._bucket.get(call_id)
        except KeyNotFoundError:
            return None
        return StoredResponse.model_validate_json(entry.value or b"")

    async def store(self, response: StoredResponse) -> None:
        """Store a response. Retry for a minute: a server may be restarting, and this was paid."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((nats.errors.Error, ConnectionError, TimeoutError)),
            wait=wait_random_exponential(multiplier=STORE_RETRY_WAIT_S, max=STORE_RETRY_WAIT_S_MAX),
            stop=stop_after_delay(STORE_RETRY_S_MAX),
            before_sleep=before_sleep_log(log, logging.WARNING),
            reraise=True,
        ):
            with attempt:
                await self._bucket.put(response.call_id, response.model_dump_json().encode())
