"""Attempts whose time is up: no gateway settled them, because theirs was killed or cut off.

    authorized --time is up, answer stored--> settled with its cost, as the gateway would have done
    authorized --time is up, no answer------> settled in full, since the cost is unknown
    authorized --answers can't be read------> authorized, for at most `PATIENCE`; then in full

An attempt that is not settled keeps counting against every limit. So a lookup that takes long, or
fails, never frees money.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import nats.errors
from nats.js.errors import APIError

from daydream_budget.ledger.reservations import Attempt
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import Settle

log = logging.getLogger(__name__)
LOOKUPS_MAX = 64  # in one sweep: the other attempts wait for the next ones
LOOKUP_S = 5.0  # for all lookups of one sweep
PATIENCE = timedelta(minutes=5)
READ_ERRORS = (nats.errors.Error, APIError, ConnectionError, TimeoutError)
# Returns how a stored answer settles an attempt; None if no answer of it is stored.
FindSettlement = Callable[[str, Attempt], Awaitable[Settle | None]]


async def find_none(attempt_id: str, attempt: Attempt) -> Settle | None:
    """Find no answer: every lost attempt counts in full."""
    return None


@dataclass
class LostAttempts:
    """What was found out about attempts whose time is up. `settlements` has those to settle."""

    settlements: dict[str, Settle] = field(default_factory=dict)

    async def look_up(self, state: LedgerState, now: datetime, find: FindSettlement) -> None:
        """Look for the answers of some of them."""
        try:
            async with asyncio.timeout(LOOKUP_S):
                for attempt_id, attempt in list(islice(lost(state, now), LOOKUPS_MAX)):
                    settlement = await find(attempt_id, attempt)
                    self.settlements[attempt_id] = settlement or Settle(attempt_id=attempt_id)
        except READ_ERRORS as error:
            log.warning("The answers of lost attempts can't be read: %r", error)
        for attempt_id, _ in lost(state, now - PATIENCE):
            self.settlements.setdefault(attempt_id, Settle(attempt_id=attempt_id))


def lost(state: LedgerState, now: datetime) -> Iterator[tuple[str, Attempt]]:
    """Yield the attempts that are not settled although their time is up."""
    for attempt_id in state.open_attempts:
        attempt = state.attempts[attempt_id]
        if attempt.expires_at < now:
            yield attempt_id, attempt
