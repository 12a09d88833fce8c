"""Holds what others say of the ledger against the audited books at the same place: snapshot, serving replica, mirror."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daydream_budget.audit.auditor import Auditor
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import LedgerState
from daydream_budget.summary import summary
from daydream_contracts.rpc import BudgetState

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
TIMELESS = (
    "spend",
    "settled_nanousd",
    "authorized_nanousd",
    "reserved_nanousd",
    "reservations_open",
    "reservations_released",
    "attempts_authorized",
    "overruns",
    "paused",
    "zone",
    "daydreams_paid",
    "daydreams_nanousd",
    "daydreams_nanousd_squared",
    "changes",
)


def compare_snapshot(auditor: Auditor, kept: LedgerState) -> None:
    """The snapshot must be what the entries before it add up to."""
    _differ(
        auditor,
        "the snapshot",
        _plain(kept, auditor.sequence),
        _plain(auditor.books, auditor.sequence),
    )


def compare_serving(auditor: Auditor, state: BudgetState) -> None:
    """A replica must serve what the entries add up to, where that does not depend on the time of the question."""
    ours = summary(auditor.books, auditor.sequence, auditor.books.at or NEVER)
    pick = set(TIMELESS)
    _differ(
        auditor,
        "the serving replica",
        state.model_dump(mode="json", include=pick),
        ours.model_dump(mode="json", include=pick),
    )


def compare_ends(auditor: Auditor, known: Mapping[str, int]) -> None:
    """Nobody may know of entries that the ledger has not."""
    for who, sequence in known.items():
        if sequence > auditor.sequence:
            auditor.find(
                "cut", f"the ledger ends at {auditor.sequence}, and {who} knows of entry {sequence}"
            )


def _differ(auditor: Auditor, who: str, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    names = [name for name in ours if ours[name] != theirs.get(name)]
    if names:
        auditor.find("differs", f"{who} has other {', '.join(names)} than the entries add up to")


def _plain(books: LedgerState, sequence: int) -> dict[str, Any]:
    """A snapshot to compare: lists that are sets come in one order."""
    found = LedgerSnapshot.of(books, sequence).model_dump(mode="json")
    for name in ("outstanding", "limits", "crossed", "spend"):
        found[name] = sorted(found[name], key=repr)
    for account in found["accounts"].values():
        del account["windows"]  # a cache, filled by whoever asked
    return found
