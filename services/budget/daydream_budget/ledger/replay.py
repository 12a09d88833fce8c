"""Read the ledger from the beginning, or from a snapshot, into a state."""

from __future__ import annotations

from contextlib import aclosing

from nats.js import JetStreamContext

from daydream_budget.ledger import archive
from daydream_budget.ledger.entries import COMMIT
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.errors import ConfigurationError


async def replay(js: JetStreamContext, state: LedgerState, sequence: int) -> int:
    """Fold everything after `sequence` into the state; return the last sequence.

    Raises ConfigurationError if commits are missing: what they spent is unknown, so nothing can be
    granted.
    """
    async with aclosing(archive.commits(js, sequence)) as commits:
        async for number, data in commits:
            if number != sequence + 1:
                raise ConfigurationError(
                    f"the ledger lacks commits {sequence + 1} to {number - 1}. "
                    "What was spent in them is unknown, so nothing is granted",
                    "Restore the LEDGER stream, or its archive, from the mirror or a backup",
                )
            state.fold(COMMIT.validate_json(data))
            sequence = number
    return sequence
