"""The audit reports what was tampered with, and nothing in an intact ledger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daydream_budget.ledger.audit.auditor import Auditor
from daydream_budget.ledger.audit.comparison import compare_ends, compare_serving, compare_snapshot
from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    Commit,
    Entry,
    ReservationOpened,
)
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.summary import summary
from daydream_contracts.rpc import AllocationRequest, CorrectionEntry
from support.fake_ledger import RecordingLedger


@pytest.fixture
def ledger() -> RecordingLedger:
    """Return a ledger with entries of many kinds.

    Known and unknown costs, an overrun, an expired reservation, a correction, a lowered cap.
    """
    ledger = RecordingLedger(lifetime=1000, day=500)
    for number in range(5):
        ledger.spend(f"e{number}", 10)
    ledger.open("unknown", 20)
    ledger.authorize("unknown", 20, call="unknown", lifetime_s=5)
    ledger.sweep(timedelta(days=2))
    ledger.open("overrun", 30)
    attempt = ledger.authorize("overrun", 30, call="overrun").attempt_id
    ledger.settle(attempt, 600, provider_id="gen-1")
    ledger.change(
        CorrectionEntry(
            stage="synthesizer", model="m", at=ledger.now, by_nanousd=-500, attempt_id=attempt
        )
    )
    assert ledger.open("open", 10).granted
    ledger.authorize("open", 5, call="open")
    ledger.open("in-progress", 10)
    ledger.authorize("in-progress", 5, call="in-progress")
    ledger.release("in-progress")
    ledger.set_cap("day", 50)
    return ledger


def audited(commits: list[Commit]) -> Auditor:
    auditor = Auditor()
    for sequence, commit in enumerate(commits, 1):
        auditor.take(sequence, commit)
        if auditor.broken:
            return auditor
    auditor.balance()
    return auditor


def kinds(auditor: Auditor) -> set[str]:
    return {finding.kind for finding in auditor.findings}


def test_an_intact_ledger_has_no_findings(ledger: RecordingLedger) -> None:
    auditor = audited(ledger.commits)
    assert auditor.findings == []
    assert auditor.state.accounts.of("all").settled == ledger.money.settled == 5 * 10 + 20 + 100
    calls = list(auditor.calls.values())
    assert [call.unknown for call in calls].count(True) == 1
    assert [call.cost for call in calls if call.provider_id] == [100], (
        "a correction belongs to the call that it names"
    )


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (
            ReservationOpened(
                reservation_id="e1",
                allocations=(
                    AllocationRequest(stage="synthesizer", model="m", upper_bound_nanousd=1),
                ),
                held=(1,),
                branches=1,
            ),
            "twice",
        ),
        (
            AttemptSettled(attempt_id="never-authorized", cost_nanousd=1, unknown=False),
            "unfoldable",
        ),
    ],
)
def test_an_entry_that_no_replica_would_write_is_reported(
    ledger: RecordingLedger, entry: Entry, kind: str
) -> None:
    auditor = audited([*ledger.commits, Commit(at=ledger.now, by="x", entries=(entry,))])
    assert kind in kinds(auditor)


@pytest.mark.parametrize(
    ("reservation_id", "upper_bound", "kind"),
    [("open", 5_000, "over-cap"), ("in-progress", 1, "released")],
)
def test_an_authorization_that_no_replica_would_write_is_reported(
    ledger: RecordingLedger, reservation_id: str, upper_bound: int, kind: str
) -> None:
    forged = AttemptAuthorized(
        attempt_id="a",
        reservation_id=reservation_id,
        call_id="c",
        nonce="n",
        stage="synthesizer",
        model="m",
        team="",
        upper_bound_nanousd=upper_bound,
        expires_at=ledger.now,
    )
    assert kind in kinds(
        audited([*ledger.commits, Commit(at=ledger.now, by="x", entries=(forged,))])
    )


def test_a_cost_that_is_counted_twice_is_reported(ledger: RecordingLedger) -> None:
    settled = next(
        entry
        for commit in reversed(ledger.commits)
        for entry in commit.entries
        if isinstance(entry, AttemptSettled)
    )
    auditor = audited([*ledger.commits, Commit(at=ledger.now, by="x", entries=(settled,))])
    assert kinds(auditor) & {"twice", "unfoldable", "imbalance"}


def test_a_missing_commit_and_a_clock_that_goes_back_are_reported(ledger: RecordingLedger) -> None:
    auditor = Auditor()
    auditor.take(1, ledger.commits[0])
    auditor.take(
        3, ledger.commits[1].model_copy(update={"at": ledger.commits[0].at - timedelta(seconds=1)})
    )
    assert kinds(auditor) == {"gap", "clock"}


def test_snapshot_and_serving_replica_are_compared_with_the_entries(
    ledger: RecordingLedger,
) -> None:
    auditor = audited(ledger.commits)
    stored = LedgerSnapshot.model_validate_json(
        LedgerSnapshot.of(ledger.state, len(ledger.commits)).model_dump_json()
    )
    state = summary(ledger.state, len(ledger.commits), ledger.now)
    compare_snapshot(auditor, stored.to_state())
    compare_serving(auditor, state)
    compare_ends(auditor, {"the mirror": len(ledger.commits)})
    assert auditor.findings == []
    stored.reservations_released += 1
    compare_snapshot(auditor, stored.to_state())
    compare_serving(
        auditor, state.model_copy(update={"settled_nanousd": state.settled_nanousd - 1})
    )
    compare_ends(auditor, {"the mirror": len(ledger.commits) + 1})
    assert [finding.kind for finding in auditor.findings] == ["differs", "differs", "cut"]
    assert "reservations_released" in auditor.findings[0].text
    assert "settled_nanousd" in auditor.findings[1].text


def test_the_number_of_findings_is_limited(ledger: RecordingLedger) -> None:
    auditor = Auditor()
    for _ in range(2000):
        auditor.report("imbalance", "x")
    assert len(auditor.findings) == 1000
