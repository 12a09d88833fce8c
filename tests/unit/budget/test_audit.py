"""The audit finds what was tampered with, and agrees with a ledger that wasn't."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daydream_budget.audit.auditor import Auditor
from daydream_budget.audit.comparison import compare_ends, compare_serving, compare_snapshot
from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    Commit,
    Entry,
    ReservationOpened,
)
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.summary import summary
from daydream_contracts.rpc import AllocationRequest, CorrectionEntry
from support.desk import Recorded


@pytest.fixture
def desk() -> Recorded:
    """Everything that a ledger can hold: known and unknown costs, an overrun, an expired reservation, a counter-entry, a lowered cap."""
    desk = Recorded(lifetime=1000, day=500)
    for number in range(5):
        desk.spend(f"e{number}", 10)
    desk.open("unknown", 20)
    desk.draw("unknown", 20, call="unknown", lifetime_s=5)
    desk.sweep(timedelta(days=2))
    desk.open("overrun", 30)
    attempt = desk.draw("overrun", 30, call="overrun").attempt_id
    desk.settle(attempt, 600, provider_id="gen-1")
    desk.change(
        CorrectionEntry(
            stage="synthesizer", model="m", at=desk.now, by_nanousd=-500, attempt_id=attempt
        )
    )
    assert desk.open("open", 10).granted
    desk.draw("open", 5, call="open")
    desk.cap("day", 50)
    return desk


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


def test_a_true_ledger_is_sound(desk: Recorded) -> None:
    auditor = audited(desk.commits)
    assert auditor.findings == []
    assert auditor.books.accounts.of("all").settled == desk.money.settled == 5 * 10 + 20 + 100
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
                branches=1,
            ),
            "twice",
        ),
        (
            ReservationOpened(
                reservation_id="huge",
                allocations=(
                    AllocationRequest(stage="synthesizer", model="m", upper_bound_nanousd=10_000),
                ),
                branches=1,
            ),
            "over-cap",
        ),
        (AttemptSettled(attempt_id="never-drawn", cost_nanousd=1, unknown=False), "unfoldable"),
    ],
)
def test_an_entry_that_no_replica_would_write_is_found(
    desk: Recorded, entry: Entry, kind: str
) -> None:
    auditor = audited([*desk.commits, Commit(at=desk.now, by="x", entries=(entry,))])
    assert kind in kinds(auditor)


def test_a_draw_above_what_is_held_is_found(desk: Recorded) -> None:
    forged = AttemptAuthorized(
        attempt_id="a",
        reservation_id="open",
        call_id="c",
        nonce="n",
        stage="synthesizer",
        model="m",
        team="",
        upper_bound_nanousd=50,
        until=desk.now,
    )
    assert "overdrawn" in kinds(
        audited([*desk.commits, Commit(at=desk.now, by="x", entries=(forged,))])
    )


def test_a_cost_that_is_counted_twice_is_found(desk: Recorded) -> None:
    settled = next(
        entry
        for commit in reversed(desk.commits)
        for entry in commit.entries
        if isinstance(entry, AttemptSettled)
    )
    auditor = audited([*desk.commits, Commit(at=desk.now, by="x", entries=(settled,))])
    assert kinds(auditor) & {"twice", "unfoldable", "imbalance"}


def test_a_missing_commit_and_a_clock_that_goes_back_are_found(desk: Recorded) -> None:
    auditor = Auditor()
    auditor.take(1, desk.commits[0])
    auditor.take(
        3, desk.commits[1].model_copy(update={"at": desk.commits[0].at - timedelta(seconds=1)})
    )
    assert kinds(auditor) == {"gap", "clock"}


def test_snapshot_and_serving_replica_are_held_against_the_entries(desk: Recorded) -> None:
    auditor = audited(desk.commits)
    kept = LedgerSnapshot.model_validate_json(
        LedgerSnapshot.of(desk.books, len(desk.commits)).model_dump_json()
    )
    state = summary(desk.books, len(desk.commits), desk.now)
    compare_snapshot(auditor, kept.books())
    compare_serving(auditor, state)
    compare_ends(auditor, {"the mirror": len(desk.commits)})
    assert auditor.findings == []
    kept.sums["closed"] += 1
    compare_snapshot(auditor, kept.books())
    compare_serving(
        auditor, state.model_copy(update={"settled_nanousd": state.settled_nanousd - 1})
    )
    compare_ends(auditor, {"the mirror": len(desk.commits) + 1})
    assert [finding.kind for finding in auditor.findings] == ["differs", "differs", "cut"]
    assert "sums" in auditor.findings[0].text
    assert "settled_nanousd" in auditor.findings[1].text


def test_findings_are_bounded(desk: Recorded) -> None:
    auditor = Auditor()
    for _ in range(2000):
        auditor.find("imbalance", "x")
    assert len(auditor.findings) == 1000
