"""What a decision is: a reply, and the entries that make it true. Shared by all rules."""

from __future__ import annotations

from daydream_budget.ledger.entries import Entry
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.events import ContractModel
from daydream_contracts.rpc import Grant, Refusal

ReplyAndEntries = tuple[ContractModel, tuple[Entry, ...]]
"""No entries: nothing changes."""

UNKNOWN_RESERVATION = Grant(
    refusal=Refusal(
        reason="unknown-reservation",
        text="The ledger does not know the reservation, or has forgotten it.",
    )
)
RELEASED = Grant(
    refusal=Refusal(
        reason="released", text="The reservation is released, because its work has ended."
    )
)


def refuse_missing(state: LedgerState, reservation_id: str) -> Grant:
    """Return why a reservation that the ledger does not hold can't be used."""
    return RELEASED if reservation_id in state.ended.released else UNKNOWN_RESERVATION
