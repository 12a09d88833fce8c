"""Compare the audited state with the snapshot, a serving replica and the mirror."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from daydream_budget.ledger.audit.auditor import Auditor
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.summary import summary
from daydream_contracts.rpc import BudgetState

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
TIMELESS = {  # what does not depend on the time of the request
    "spend",
    "settled_nanousd",
    "authorized_nanousd",
    "reserved_nanousd",
    "reservations_open",
    "reservations_released",
    "attempts_authorized",
    "foreground",
    "foreground_settled_nanousd",
    "foreground_authorized_nanousd",
    "overruns",
    "paused",
    "zone",
    "daydreams_paid",
    "daydreams_nanousd",
    "daydreams_nanousd_squared",
    "daydreams_reserved_nanousd",
    "changes",
}
UNORDERED = ("open_attempts", "limits", "soft_limits", "totals_by_stage", "totals_by_key")


def compare_snapshot(auditor: Auditor, stored: LedgerState) -> None:
    """Report a snapshot that is not what the entries before it add up to."""
    theirs = _comparable(stored, auditor.sequence)
    _report_differences(
        auditor, "The snapshot", theirs, _comparable(auditor.state, auditor.sequence)
    )


def compare_digest(auditor: Auditor, stored: str, read: str) -> None:
    """Report a message that is not the one that the snapshot was taken after."""
    if stored != read:
        auditor.report("differs", "The snapshot was taken after another message at this place.")


def compare_serving(auditor: Auditor, state: BudgetState) -> None:
    """Report a replica that serves something else than the entries add up to."""
    audited = summary(auditor.state, auditor.sequence, auditor.state.at or NEVER)
    _report_differences(
        auditor,
        "The serving replica",
        state.model_dump(mode="json", include=TIMELESS),
        audited.model_dump(mode="json", include=TIMELESS),
    )


def compare_ends(auditor: Auditor, last_sequences: Mapping[str, int]) -> None:
    """Report a ledger that ends before the last entry that another part has."""
    for name, sequence in last_sequences.items():
        if sequence > auditor.sequence:
            auditor.report(
                "cut", f"The ledger ends at {auditor.sequence}, but {name} has entry {sequence}."
            )


def _report_differences(
    auditor: Auditor, name: str, theirs: dict[str, Any], audited: dict[str, Any]
) -> None:
    fields = [field for field in audited if audited[field] != theirs.get(field)]
    if fields:
        text = f"{name} has other values than the entries add up to: {', '.join(fields)}."
        auditor.report("differs", text)


def _comparable(state: LedgerState, sequence: int) -> dict[str, Any]:
    """Return a snapshot with unordered lists sorted and without caches."""
    snapshot = LedgerSnapshot.of(state, sequence).model_dump(mode="json")
    for name in UNORDERED:
        snapshot[name] = sorted(snapshot[name], key=repr)
    for account in snapshot["accounts"].values():
        del account["windows"]  # a cache, filled by requests
    return snapshot
