"""What a lost attempt cost, from its stored answer: the gateway stores one before it settles.

The answer names the attempt that paid for it. Any other attempt at the same call, and a call
without a name, has no stored cost.
"""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass

from daydream_budget.gateway.calls.record import StoredAnswer, record_key
from daydream_budget.gateway.calls.record_store import CallRecordStore
from daydream_budget.gateway.funds import PROVIDER_ID_CHARS_MAX
from daydream_budget.ledger.reservations import Attempt
from daydream_contracts.rpc import Settle

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredCosts:
    """The answers in the CALLS buckets. They are only read, from the stream's leader."""

    records: CallRecordStore

    async def settlement(self, attempt_id: str, attempt: Attempt) -> Settle | None:
        """Return how the stored answer of an attempt settles it, or None. Raise NATS's errors."""
        if attempt.call_id == attempt.reservation_id:
            return None  # a call without a name
        try:
            record, _ = await self.records.read(record_key(attempt.caller, attempt.call_id))
            return _settlement(attempt_id, attempt, record.answer)
        except (ValueError, zlib.error) as unreadable:
            log.error("The answer of attempt %s can't be read: %r", attempt_id, unreadable)
            return None


def _settlement(attempt_id: str, attempt: Attempt, answer: StoredAnswer | None) -> Settle | None:
    if answer is None or answer.attempt_id != attempt_id:
        return None
    return Settle(
        attempt_id=attempt_id,
        cost_nanousd=answer.cost_nanousd,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        provider_id=answer.provider_id[:PROVIDER_ID_CHARS_MAX],
        release=attempt.is_foreground,
    )
