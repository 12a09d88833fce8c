"""What the budget grants and refuses, by example. Amounts are nano-dollars, small so that they can be added in the head."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from daydream_budget.ledger.entries import Entry
from daydream_budget.ledger.rules import Question, decide, due
from daydream_budget.ledger.state import HORIZON, check
from daydream_contracts.rpc import (
    AllocationRequest,
    ChangeBudget,
    IncreaseReservation,
    OpenReservation,
    ReleaseReservation,
    SetLimit,
)
from support.desk import IDLE_S, Desk


def test_without_any_cap_nothing_that_costs_is_granted_and_the_mend_is_named() -> None:
    refusal = Desk().open("a", 1).refusal
    assert refusal is not None
    assert refusal.reason == "no-cap"
    assert "daydream budget set" in refusal.text


def test_without_any_cap_free_models_dream() -> None:
    desk = Desk()
    assert desk.open("a", 0).granted
    assert desk.draw("a", 0).granted


def test_an_reservation_holds_its_whole_bound_until_it_is_closed() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 60)
    assert not desk.open("b", 60).granted
    desk.close("a")
    assert desk.open("b", 60).granted


def test_near_the_cap_what_still_fits_is_granted_and_what_does_not_is_refused() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 90)
    assert desk.open("b", 10).granted
    refusal = desk.open("c", 1).refusal
    assert refusal is not None
    assert refusal.reason == "cap"
    assert refusal.shortfall_nanousd == 1


def test_a_refusal_by_the_days_cap_names_the_operators_midnight() -> None:
    desk = Desk("Europe/Zurich", day=100)
    desk.spend("a", 100)
    refusal = desk.open("b", 1).refusal
    assert refusal is not None
    assert refusal.retry_at == datetime(2026, 6, 1, 22, tzinfo=UTC)
    assert "all/day cap" in refusal.text


def test_a_refusal_for_what_others_only_hold_is_worth_asking_again_in_seconds() -> None:
    desk = Desk(day=100)
    desk.open("a", 100)
    refusal = desk.open("b", 1).refusal
    assert refusal is not None
    assert refusal.retry_at == desk.now + timedelta(seconds=5)


def test_a_refusal_by_the_lifetime_cap_names_no_time_for_only_a_person_can_help() -> None:
    desk = Desk(lifetime=5, day=5)
    refusal = desk.open("b", 6).refusal
    assert refusal is not None
    assert refusal.retry_at is None
    assert "lifetime" in refusal.text
    assert "day" in refusal.text


def test_at_midnight_what_was_spent_is_forgiven_and_what_is_open_is_carried_over() -> None:
    desk = Desk(day=100)
    desk.open("spent", 50)
    desk.settle(desk.draw("spent", 50).attempt_id, 50)
    desk.open("open", 50)
    assert not desk.open("another", 50).granted
    desk.now += timedelta(days=1)
    assert not desk.open("too-large", 51).granted
    assert desk.open("another", 50).granted


def test_a_draw_takes_from_its_reservation_and_never_more_than_is_left() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 30)
    assert desk.draw("a", 20).granted
    refusal = desk.draw("a", 20).refusal
    assert refusal is not None
    assert refusal.reason == "reservation"
    assert refusal.shortfall_nanousd == 10


def test_each_attempt_at_a_call_is_a_draw_of_its_own() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 40)
    first, second = desk.draw("a", 20), desk.draw("a", 20)
    assert first.attempt_id != second.attempt_id
    assert desk.money.drawn == 40


def test_a_question_that_is_repeated_by_the_same_worker_is_the_same_draw() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 40)
    assert desk.draw("a", 20, nonce="n") == desk.draw("a", 20, nonce="n")
    assert desk.money.drawn == 20


def test_what_a_call_did_not_use_goes_back_into_its_reservation() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 20)
    desk.settle(desk.draw("a", 20).attempt_id, 5)
    assert desk.draw("a", 15).granted


def test_settling_twice_has_no_effect_even_with_another_amount() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 20)
    attempt_id = desk.draw("a", 20).attempt_id
    assert desk.settle(attempt_id, 5) == desk.settle(attempt_id, 7)
    assert desk.money.settled == 5


def test_a_call_whose_cost_nobody_knows_is_spent_in_full() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 20)
    assert desk.settle(desk.draw("a", 20).attempt_id, None).charged_nanousd == 20
    assert desk.books.spend["synthesizer", "m"].unknown_calls == 1


def test_a_lost_workers_draw_is_spent_in_full_when_its_time_is_up() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 20)
    desk.draw("a", 20, lifetime_s=60)
    assert desk.sweep(timedelta(seconds=60)) == []
    assert len(desk.sweep(timedelta(seconds=1))) == 1
    assert desk.money.settled == 20
    assert desk.money.drawn == 0


def test_the_word_of_a_worker_that_comes_after_its_time_changes_nothing() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 20)
    attempt_id = desk.draw("a", 20).attempt_id
    desk.sweep(timedelta(minutes=2))
    assert desk.settle(attempt_id, 3).charged_nanousd == 20


def test_a_bill_above_its_bound_is_recorded_as_it_is_and_stops_everything_that_costs() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 50)
    desk.open("b", 50)
    desk.settle(desk.draw("a", 50).attempt_id, 60)
    assert desk.books.sums["overruns"] == 1
    assert desk.money.settled == 60
    assert not desk.draw("b", 50).granted
    assert desk.draw("b", 0).granted


def test_a_lowered_cap_stops_draws_until_it_is_raised() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 80)
    desk.cap("lifetime", 50)
    assert not desk.draw("a", 10).granted
    desk.cap("lifetime", 80)
    assert desk.draw("a", 10).granted


def test_an_reservation_that_nobody_touches_flows_back_and_can_be_grown_again() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 60)
    desk.sweep(timedelta(days=1, seconds=1))
    assert desk.money.open == 0
    refusal = desk.draw("a", 10).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.shortfall_nanousd) == ("reservation", 10)
    assert desk.grow("a", 10).granted
    assert desk.draw("a", 10).granted


def test_a_free_reservation_that_expired_can_be_reopened_for_nothing() -> None:
    desk = Desk()
    desk.open("a", 0)
    desk.sweep(timedelta(days=2))
    assert not desk.draw("a", 0).granted
    assert desk.grow("a", 0).granted
    assert desk.draw("a", 0).granted


def test_growing_twice_under_one_id_grows_once() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 10)
    desk.grow("a", 5, "g")
    desk.grow("a", 5, "g")
    assert desk.money.open == 15


def test_two_ways_close_separately_and_the_rest_flows_back_with_the_last() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 100, branches=2)
    assert not desk.close("a", 0).released
    assert not desk.close("a", 0).released
    assert desk.money.open == 100
    assert desk.close("a", 1).released
    assert desk.money.open == 0


def test_nothing_is_drawn_from_a_closed_reservation() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 100)
    desk.close("a")
    for answer in (desk.draw("a", 1), desk.grow("a", 1)):
        assert answer.refusal is not None
        assert answer.refusal.reason == "released"


def test_a_call_in_flight_when_its_reservation_closes_is_still_billed() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 100)
    attempt_id = desk.draw("a", 40).attempt_id
    desk.close("a")
    assert desk.free("lifetime") == 60
    desk.settle(attempt_id, 30)
    assert desk.free("lifetime") == 70


def test_what_ended_longer_ago_than_the_horizon_is_forgotten_and_can_not_be_opened_again() -> None:
    desk = Desk(lifetime=100)
    asked_at = desk.now
    desk.open("a", 10)
    desk.close("a")
    desk.now += HORIZON + timedelta(seconds=1)
    desk.cap("day", 100)
    assert desk.books.reservations == {}
    assert desk.books.closed == {}
    part = AllocationRequest(stage="s", model="m", upper_bound_nanousd=10)
    refusal = desk.ask(
        OpenReservation(reservation_id="a", allocations=(part,), requested_at=asked_at)
    ).refusal
    assert refusal.reason == "too-old"


def test_an_unknown_reservation_pays_for_nothing_and_counts_as_closed() -> None:
    desk = Desk(lifetime=100)
    assert desk.draw("nobody", 1).refusal.reason == "unknown-reservation"  # type: ignore[union-attr]
    assert desk.grow("nobody", 1).refusal.reason == "unknown-reservation"  # type: ignore[union-attr]
    assert desk.close("nobody").released
    assert not desk.settle("nobody:1", 1).known


# --- what ought to hold and does not yet -----------------------------------------------------------------------------


def test_money_that_comes_back_from_yesterdays_call_does_not_break_todays_cap() -> None:
    desk = Desk(day=100, now=datetime(2026, 6, 1, 23, 59, tzinfo=UTC))
    desk.open("yesterday", 100)
    attempt_id = desk.draw("yesterday", 100, lifetime_s=600).attempt_id
    desk.now += timedelta(minutes=2)
    desk.open("today", 100)
    desk.settle(attempt_id, 10)
    assert desk.free("day") >= 0


def test_a_free_draw_in_flight_survives_a_service_that_was_away_for_longer_than_the_horizon() -> (
    None
):
    desk = Desk()
    desk.open("a", 0)
    desk.draw("a", 0)
    desk.close("a")
    desk.now += HORIZON + timedelta(hours=1)
    desk.cap("lifetime", 100)  # anything that is committed before the first sweep
    desk.sweep(timedelta(0))
    check(desk.books)


def test_two_replicas_of_which_one_lost_a_race_fold_each_others_commits_for_ever() -> None:
    winner, loser = Desk(lifetime=10), Desk(lifetime=10)

    def both(*entries: Entry) -> None:
        for desk in (winner, loser):
            desk.fold(*entries)

    def decided(question: Question) -> tuple[Entry, ...]:
        _, entries = decide(winner.books, question, winner.now)
        assert entries
        return entries

    def later(by: timedelta) -> None:
        for desk in (winner, loser):
            desk.now += by

    part = AllocationRequest(stage="s", model="m", upper_bound_nanousd=10)
    both(
        *decided(
            OpenReservation(reservation_id="first", allocations=(part,), requested_at=winner.now)
        )
    )
    later(timedelta(days=2))
    both(*due(winner.books, winner.now, IDLE_S))
    later(timedelta(days=3))
    both(
        *decided(
            OpenReservation(reservation_id="second", allocations=(part,), requested_at=winner.now)
        )
    )
    both(*decided(ReleaseReservation(reservation_id="second")))
    _, grown = decide(
        loser.books,
        IncreaseReservation(reservation_id="first", increase_id="g", by_nanousd=1),
        loser.now,
    )
    assert grown
    loser.books.journal.mark()
    for entry in grown:
        loser.books.apply(entry, loser.now)
    loser.books.journal.rollback()  # the race was lost, and on the fresh read the cap refuses
    later(timedelta(days=5))
    both(
        *decided(
            ChangeBudget(change_id="c", change=SetLimit(window="day", cap_nanousd=10), who="Ada")
        )
    )
    _, late = decide(loser.books, ReleaseReservation(reservation_id="first"), loser.now)
    if late:
        both(*late)


def test_a_way_that_the_reservation_does_not_have_does_not_close_it() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 100, branches=2)
    desk.close("a", 0)
    desk.close("a", 7)
    assert desk.books.reservations["a"].status == "open"
