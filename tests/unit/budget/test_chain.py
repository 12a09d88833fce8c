"""The ledger's messages form a chain, and a message that is no valid commit is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daydream_budget.ledger.chain import (
    ChainPosition,
    LedgerMessage,
    UnreadableMessageError,
    check_fold,
    digest_of,
    fold,
    parse,
)
from daydream_budget.ledger.entries import (
    COMMIT,
    AttemptSettled,
    Commit,
    Entry,
    ForegroundSpent,
    MessageVoided,
    ReservationOpened,
    SoftLimitReached,
)
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.rpc import AllocationRequest
from support.fake_ledger import NOON, RecordingLedger

REACHED = SoftLimitReached(scope="all", window="day", first_quarter=1, share=0.8)
DIGEST = digest_of(b"garbage")
VOID = MessageVoided(sequence=1, digest=DIGEST, who="Ada", why="a test")


def message(
    *entries: Entry,
    sequence: int = 1,
    previous: str = "",
    at: datetime = NOON,
    stored_at: datetime = NOON,
) -> LedgerMessage:
    data = COMMIT.dump_json(Commit(previous=previous, at=at, by="test", entries=entries))
    return LedgerMessage(sequence, data, stored_at)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "Invalid JSON"),
        (b"\x00\xff\n", "Invalid JSON"),
        (b'{"not": "a commit"}', "at: Field required"),
        (b"[]", "should be an object"),
        (b'{"version": 2}', "version"),
        (b'{"at": "2026-06-01T12:00:00", "by": "x", "entries": []}', "at: .*timezone"),
        (b'{"at": "2026-06-01T12:00:00Z", "by": "x", "entries": [{"kind": "?"}]}', "entries.0"),
        (b"[" * 100_000, "Invalid JSON"),
    ],
)
def test_what_is_no_commit_is_unreadable(data: bytes, problem: str) -> None:
    with pytest.raises(UnreadableMessageError, match=problem) as error:
        parse(LedgerMessage(7, data, NOON), "")
    assert str(error.value).startswith("message 7 of the ledger is unreadable")


@pytest.mark.parametrize("amount", ["-1", "1e320", "1" + "0" * 400, "NaN", "1000000000000000001"])
def test_an_impossible_amount_is_unreadable(amount: str) -> None:
    entry = ForegroundSpent(report_id="r", spent_at=NOON, cost_nanousd=123_456)
    stored = message(entry)
    changed = LedgerMessage(1, stored.data.replace(b"123456", amount.encode()), NOON)
    with pytest.raises(UnreadableMessageError):
        parse(changed, "")
    assert parse(stored, "").entries == (entry,)


def test_each_commit_names_the_bytes_of_the_message_before_it() -> None:
    ledger, position = RecordingLedger(lifetime=1000), ChainPosition()
    ledger.spend("a", 10)
    for sequence, commit in enumerate(ledger.commits, 1):
        stored = LedgerMessage(sequence, COMMIT.dump_json(commit), NOON)
        position.pass_commit(sequence, stored.digest, position.read(stored))
    changed = stored.data.replace(b'"fake"', b'"fakf"')
    following = message(REACHED, sequence=sequence + 1, previous=stored.digest)
    assert position.read(following).entries == (REACHED,)
    position.digest = digest_of(changed)
    with pytest.raises(UnreadableMessageError, match="one of them was changed or forged"):
        position.read(following)


def test_a_commit_from_the_future_is_unreadable() -> None:
    soon = message(REACHED, at=NOON + timedelta(seconds=59))
    assert parse(soon, "").at == NOON + timedelta(seconds=59)
    tomorrow = message(REACHED, at=NOON + timedelta(hours=26))
    with pytest.raises(UnreadableMessageError, match="1 day, 2:00:00 ahead of the broker's clock"):
        parse(tomorrow, "")
    parse(message(REACHED, stored_at=NOON + timedelta(days=400)), "")  # stored late: harmless


def test_an_entry_that_does_not_fit_leaves_the_state_as_it_was() -> None:
    state = LedgerState()
    settled = AttemptSettled(attempt_id="unknown", cost_nanousd=1, unknown=False)
    stored = message(REACHED, settled)
    commit = parse(stored, "")
    for try_it in (fold, check_fold):
        with pytest.raises(UnreadableMessageError, match=r"does not follow .*KeyError"):
            try_it(state, commit, stored)
    assert LedgerSnapshot.of(state, 0) == LedgerSnapshot.of(LedgerState(), 0)


def test_a_reservation_that_holds_no_amount_for_an_allocation_is_unreadable() -> None:
    allocation = AllocationRequest(stage="critic", model="m", upper_bound_nanousd=1)
    opened = ReservationOpened(
        reservation_id="r", allocations=(allocation, allocation), held=(1,), branches=1
    )
    stored = message(opened)
    with pytest.raises(UnreadableMessageError, match="does not follow"):
        fold(LedgerState(), parse(stored, ""), stored)


def test_a_trial_changes_nothing_also_if_it_fits() -> None:
    state, stored = LedgerState(), message(REACHED)
    check_fold(state, parse(stored, ""), stored)
    assert state.controls.soft_limits == {}
    fold(state, parse(stored, ""), stored)
    assert len(state.controls.soft_limits) == 1


def test_a_void_is_applied_only_where_its_message_was_skipped() -> None:
    garbage = LedgerMessage(1, b"garbage", NOON)
    position = ChainPosition()
    position.skip(garbage)
    void = message(VOID, sequence=2, previous=DIGEST)
    commit = position.read(void)
    position.pass_commit(2, void.digest, commit)
    assert position == ChainPosition(2, void.digest, {})
    again = message(VOID, sequence=3, previous=void.digest)
    with pytest.raises(UnreadableMessageError, match="voids message 1, which is readable"):
        position.read(again)


def test_a_void_of_other_bytes_is_unreadable() -> None:
    position = ChainPosition()
    position.skip(LedgerMessage(1, b"other garbage", NOON))
    with pytest.raises(UnreadableMessageError, match="not the same"):
        position.read(message(VOID, sequence=2, previous=position.digest))


def test_a_void_stands_alone_so_that_it_can_be_read_without_the_state() -> None:
    with pytest.raises(UnreadableMessageError, match="other entries as well"):
        parse(message(VOID, REACHED), "")


def test_a_void_is_recorded_with_who_and_why() -> None:
    state, stored = LedgerState(), message(VOID)
    fold(state, parse(stored, ""), stored)
    (change,) = state.controls.changes.values()
    assert (change.who, change.why) == ("Ada", "a test")
    assert change.text.startswith("voided message 1 of the ledger")
    assert change.at == NOON.astimezone(UTC)
