"""What the ledger grants and refuses, by example.

Amounts are nano-dollars, small enough to add in the head.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daydream_budget.ledger.entries import Entry
from daydream_budget.ledger.invariants import check
from daydream_budget.ledger.retention import HORIZON
from daydream_budget.ledger.rules import LedgerRequest, decide, due
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    ChangeBudget,
    OpenReservation,
    ReleaseReservation,
    SetLimit,
)
from support.fake_ledger import IDLE_S, FakeLedger


def test_without_a_cap_nothing_paid_is_granted_and_the_fix_is_named() -> None:
    refusal = FakeLedger().open("a", 1).refusal
    assert refusal is not None
    assert refusal.reason == "no-cap"
    assert "daydream budget set" in refusal.text


def test_without_a_cap_free_models_are_granted() -> None:
    ledger = FakeLedger()
    assert ledger.open("a", 0).granted
    assert ledger.authorize("a", 0).granted


def test_without_an_expectation_a_reservation_holds_its_whole_bound_until_it_is_released() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 60)
    assert not ledger.open("b", 60).granted
    ledger.release("a")
    assert ledger.open("b", 60).granted


def test_near_the_cap_only_what_fits_is_granted() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 90)
    assert ledger.open("b", 10).granted
    refusal = ledger.open("c", 1).refusal
    assert refusal is not None
    assert refusal.reason == "cap"
    assert refusal.shortfall_nanousd == 1


def test_a_refusal_by_the_day_cap_names_midnight_in_the_operators_zone() -> None:
    ledger = FakeLedger("Europe/Zurich", day=100)
    ledger.spend("a", 100)
    refusal = ledger.open("b", 1).refusal
    assert refusal is not None
    assert refusal.retry_at == datetime(2026, 6, 1, 22, tzinfo=UTC)
    assert "all/day cap" in refusal.text


def test_a_refusal_because_of_reserved_money_can_be_retried_in_seconds() -> None:
    ledger = FakeLedger(day=100)
    ledger.open("a", 100)
    refusal = ledger.open("b", 1).refusal
    assert refusal is not None
    assert refusal.retry_at == ledger.now + timedelta(seconds=5)


def test_a_refusal_by_the_lifetime_cap_names_no_time_because_only_a_person_can_help() -> None:
    ledger = FakeLedger(lifetime=5, day=5)
    refusal = ledger.open("b", 6).refusal
    assert refusal is not None
    assert refusal.retry_at is None
    assert "lifetime" in refusal.text
    assert "day" in refusal.text


def test_at_midnight_settled_money_no_longer_counts_and_reserved_money_still_does() -> None:
    ledger = FakeLedger(day=100)
    ledger.open("spent", 50)
    ledger.settle(ledger.authorize("spent", 50).attempt_id, 50)
    ledger.open("open", 50)
    assert not ledger.open("another", 50).granted
    ledger.now += timedelta(days=1)
    refusal = ledger.open("too-large", 51).refusal
    assert refusal is not None
    assert refusal.near_cap
    ledger.now += timedelta(minutes=1)  # the queue has forgotten that one
    assert ledger.open("another", 50).granted


def test_an_attempt_may_take_more_than_its_reservation_still_holds() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 30)
    assert ledger.authorize("a", 20).granted
    assert ledger.authorize("a", 20).granted
    assert (ledger.money.reserved, ledger.money.authorized) == (0, 40)


def test_an_attempt_is_checked_against_the_cap_whatever_others_hold() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 60)
    ledger.open("b", 40)
    assert ledger.authorize("b", 70).granted
    refusal = ledger.authorize("a", 40).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.near_cap, refusal.shortfall_nanousd) == ("cap", True, 10)
    assert refusal.retry_at == ledger.now + timedelta(seconds=5)
    assert ledger.authorize("a", 30).granted


def test_an_attempt_that_the_remaining_money_cannot_pay_waits_for_the_renewal() -> None:
    ledger = FakeLedger(day=100)
    ledger.spend("a", 90)
    ledger.open("b", 10)
    refusal = ledger.authorize("b", 11).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.near_cap) == ("cap", False)
    assert refusal.retry_at == datetime(2026, 6, 2, tzinfo=UTC)
    ledger.now += timedelta(days=1)
    assert ledger.authorize("b", 11).granted


def test_daydreams_that_need_more_than_they_hold_do_not_wait_for_each_other_for_ever() -> None:
    ledger = FakeLedger(lifetime=100)
    for number in range(10):
        assert ledger.open(f"e{number}", 60, expected=10).granted
    for number in range(10):
        attempt = ledger.authorize(f"e{number}", 60, call=f"c{number}")
        if not attempt.granted:
            assert attempt.refusal is not None
            assert attempt.refusal.reason == "cap"
            continue
        ledger.settle(attempt.attempt_id, 8)
        ledger.release(f"e{number}")
    assert ledger.money.settled == 48, "until less than one call is left"


def test_each_attempt_at_a_call_is_authorized_separately() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 40)
    first, second = ledger.authorize("a", 20), ledger.authorize("a", 20)
    assert first.attempt_id != second.attempt_id
    assert ledger.money.authorized == 40


def test_a_call_of_a_stage_that_was_not_reserved_for_is_added() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 10)
    attempt = ledger.authorize("a", 20, stage="critic", model="n")
    ledger.settle(attempt.attempt_id, 5)
    assert ledger.state.accounts.of("stage:critic").settled == 5
    check(ledger.state)


def test_a_request_repeated_by_the_same_worker_is_the_same_attempt() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 40)
    assert ledger.authorize("a", 20, nonce="n") == ledger.authorize("a", 20, nonce="n")
    assert ledger.money.authorized == 20


def test_what_a_call_did_not_use_returns_to_its_reservation() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 20)
    ledger.settle(ledger.authorize("a", 20).attempt_id, 5)
    assert ledger.authorize("a", 15).granted


@pytest.mark.fault("F18", invariant="settling twice has no effect, even with another amount")
def test_settling_twice_has_no_effect_even_with_another_amount() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 20)
    attempt_id = ledger.authorize("a", 20).attempt_id
    assert ledger.settle(attempt_id, 5) == ledger.settle(attempt_id, 7)
    assert ledger.money.settled == 5


def test_an_attempt_that_was_given_back_is_no_call_and_costs_nothing() -> None:
    ledger = FakeLedger(day=100)
    ledger.open("a", 50)
    ledger.settle(ledger.authorize("a", 20).attempt_id, 0, sent=False)
    ledger.settle(ledger.authorize("a", 20).attempt_id, 5)
    assert [row.calls for row in ledger.state.totals.by_stage.values()] == [1]
    assert (ledger.money.settled, ledger.money.authorized) == (5, 0)


def test_an_attempt_of_unknown_cost_is_settled_in_full() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 20)
    assert ledger.settle(ledger.authorize("a", 20).attempt_id, None).charged_nanousd == 20
    assert ledger.state.totals.by_stage["synthesizer", "m"].unknown_calls == 1


def test_the_attempt_of_a_lost_worker_is_settled_in_full_when_it_expires() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 20)
    ledger.authorize("a", 20, lifetime_s=60)
    assert ledger.sweep(timedelta(seconds=60)) == []
    assert len(ledger.sweep(timedelta(seconds=1))) == 1
    assert ledger.money.settled == 20
    assert ledger.money.authorized == 0


@pytest.mark.fault("F8 F18", invariant="a settlement after the expiry changes nothing")
def test_a_settlement_after_the_expiry_changes_nothing() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 20)
    attempt_id = ledger.authorize("a", 20).attempt_id
    ledger.sweep(timedelta(minutes=2))
    assert ledger.settle(attempt_id, 3).charged_nanousd == 20


def test_an_overrun_is_recorded_in_full_and_stops_all_paid_attempts() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 50)
    ledger.open("b", 50)
    ledger.settle(ledger.authorize("a", 50).attempt_id, 60)
    assert ledger.state.totals.overruns == 1
    assert ledger.money.settled == 60
    assert not ledger.authorize("b", 50).granted
    assert ledger.authorize("b", 0).granted


def test_a_lowered_cap_stops_attempts_until_it_is_raised() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.spend("spent", 60)
    ledger.open("a", 40)
    ledger.set_cap("lifetime", 50)
    assert not ledger.authorize("a", 1).granted
    ledger.set_cap("lifetime", 80)
    assert ledger.authorize("a", 10).granted


def test_an_idle_reservation_expires_and_is_reopened_by_an_authorization() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 60)
    ledger.sweep(timedelta(days=1, seconds=1))
    assert ledger.money.reserved == 0
    attempt = ledger.authorize("a", 10)
    assert attempt.granted
    assert ledger.state.reservations["a"].status == "open"
    ledger.settle(attempt.attempt_id, 4)
    assert ledger.money.reserved == 0, "what it held was freed"


def test_a_free_reservation_that_expired_is_reopened_by_a_free_attempt() -> None:
    ledger = FakeLedger()
    ledger.open("a", 0)
    ledger.sweep(timedelta(days=2))
    assert ledger.authorize("a", 0).granted


def test_two_branches_are_released_separately_and_the_rest_is_free_after_the_last() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 100, branches=2)
    assert not ledger.release("a", 0).released
    assert not ledger.release("a", 0).released
    assert ledger.money.reserved == 100
    assert ledger.release("a", 1).released
    assert ledger.money.reserved == 0


def test_nothing_is_authorized_from_a_released_reservation() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 100)
    ledger.release("a")
    grant = ledger.authorize("a", 1)
    assert grant.refusal is not None
    assert grant.refusal.reason == "released"


def test_a_call_in_progress_when_its_reservation_is_released_is_still_settled() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 100)
    attempt_id = ledger.authorize("a", 40).attempt_id
    ledger.release("a")
    assert ledger.free("lifetime") == 60
    ledger.settle(attempt_id, 30)
    assert ledger.free("lifetime") == 70


def test_a_reservation_older_than_the_horizon_is_forgotten_and_can_not_be_opened_again() -> None:
    ledger = FakeLedger(lifetime=100)
    requested_at = ledger.now
    ledger.open("a", 10)
    ledger.release("a")
    ledger.now += HORIZON + timedelta(seconds=1)
    ledger.set_cap("day", 100)
    assert ledger.state.reservations == {}
    assert ledger.state.ended.released == {}
    part = AllocationRequest(stage="s", model="m", upper_bound_nanousd=10)
    refusal = ledger.submit(
        OpenReservation(reservation_id="a", allocations=(part,), requested_at=requested_at)
    ).refusal
    assert refusal.reason == "too-old"


def test_an_unknown_reservation_pays_for_nothing_and_counts_as_released() -> None:
    ledger = FakeLedger(lifetime=100)
    refusal = ledger.authorize("unknown", 1).refusal
    assert refusal is not None
    assert refusal.reason == "unknown-reservation"
    assert ledger.release("unknown").released
    assert not ledger.settle("unknown:1", 1).known


# --- rare orders of events ----------------------------------------------------------


def test_money_freed_by_yesterdays_call_does_not_break_todays_cap() -> None:
    ledger = FakeLedger(day=100, now=datetime(2026, 6, 1, 23, 59, tzinfo=UTC))
    ledger.open("yesterday", 100)
    attempt_id = ledger.authorize("yesterday", 100, lifetime_s=600).attempt_id
    ledger.now += timedelta(minutes=2)
    ledger.open("today", 100)
    ledger.settle(attempt_id, 10)
    assert ledger.free("day") >= 0


def test_a_free_attempt_survives_a_service_that_was_down_for_longer_than_the_horizon() -> None:
    ledger = FakeLedger()
    ledger.open("a", 0)
    ledger.authorize("a", 0)
    ledger.release("a")
    ledger.now += HORIZON + timedelta(hours=1)
    ledger.set_cap("lifetime", 100)  # anything that is committed before the first sweep
    ledger.sweep(timedelta(0))
    check(ledger.state)


def test_a_replica_that_lost_a_race_still_folds_the_commits_of_the_other() -> None:
    winner, loser = FakeLedger(lifetime=10), FakeLedger(lifetime=10)

    def both(*entries: Entry) -> None:
        for ledger in (winner, loser):
            ledger.fold(*entries)

    def decided(request: LedgerRequest) -> tuple[Entry, ...]:
        _, entries = decide(winner.state, request, winner.now)
        assert entries
        return entries

    def later(by: timedelta) -> None:
        for ledger in (winner, loser):
            ledger.now += by

    part = AllocationRequest(stage="s", model="m", upper_bound_nanousd=10)
    both(
        *decided(
            OpenReservation(reservation_id="first", allocations=(part,), requested_at=winner.now)
        )
    )
    later(timedelta(days=2))
    both(*due(winner.state, winner.now, IDLE_S))
    later(timedelta(days=3))
    both(
        *decided(
            OpenReservation(reservation_id="second", allocations=(part,), requested_at=winner.now)
        )
    )
    both(*decided(ReleaseReservation(reservation_id="second")))
    reopening = Authorize(
        reservation_id="first",
        call_id="c",
        nonce="n",
        stage="s",
        model="m",
        upper_bound_nanousd=1,
        lifetime_s=60,
    )
    _, reopened = decide(loser.state, reopening, loser.now)
    assert reopened
    loser.state.undo_log.begin()
    for entry in reopened:
        loser.state.apply(entry, loser.now)
    loser.state.undo_log.rollback()  # it lost the race, and on the next read the cap refuses
    later(timedelta(days=5))
    both(
        *decided(
            ChangeBudget(change_id="c", change=SetLimit(window="day", cap_nanousd=10), who="Ada")
        )
    )
    _, late = decide(loser.state, ReleaseReservation(reservation_id="first"), loser.now)
    if late:
        both(*late)


def test_an_unknown_branch_does_not_release_the_reservation() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 100, branches=2)
    ledger.release("a", 0)
    ledger.release("a", 7)
    assert ledger.state.reservations["a"].status == "open"
