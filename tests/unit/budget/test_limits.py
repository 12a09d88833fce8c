"""Limits of every scope and window, plans that shrink, the tax, alerts, corrections; and what was seen to go wrong elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daydream_budget.alerts import crossings, overrun
from daydream_budget.forecast import burn_nanousd_per_h
from daydream_budget.ledger.entries import AttemptSettled
from daydream_budget.ledger.state import LedgerState, check
from daydream_budget.summary import summary
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    CorrectionEntry,
    OpenReservation,
    Pause,
    RemoveLimit,
    SetLimit,
    SetTax,
    SetZone,
    TopUp,
)
from support.desk import NOON, Desk


def reason(answer: Any) -> str:
    assert answer.refusal is not None
    return str(answer.refusal.reason)


# --- scopes and windows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "counted", "not_counted"),
    [
        ("stage:critic", {"stage": "critic"}, {"stage": "synthesizer"}),
        ("model:dear", {"model": "dear"}, {"model": "cheap"}),
        ("team:red", {"team": "red"}, {"team": "blue"}),
        ("purpose:canary", {"purpose": "canary"}, {"purpose": "daydream"}),
    ],
)
def test_a_limit_on_a_scope_binds_that_scope_and_no_other(
    scope: str, counted: dict[str, Any], not_counted: dict[str, Any]
) -> None:
    desk = Desk(lifetime=1000)
    desk.cap("day", 50, scope)
    assert desk.open("a", 50, **counted).granted
    refused = desk.open("b", 1, **counted)
    assert refused.refusal is not None
    assert refused.refusal.limits == (f"{scope}/day",)
    assert desk.open("c", 500, **not_counted).granted


@pytest.mark.parametrize(
    ("window", "renewed_after"),
    [("hour", 1), ("day", 12), ("week", 7 * 24 - 12), ("month", 29 * 24 + 12)],
)
def test_each_window_renews_when_its_time_has_come_and_not_before(
    window: Any, renewed_after: int
) -> None:
    desk = Desk(now=NOON)  # a Monday, the first of a month
    desk.cap(window, 100)
    desk.spend("a", 100)
    desk.now = NOON + timedelta(hours=renewed_after) - timedelta(seconds=1)
    refused = desk.open("b", 1)
    assert refused.refusal is not None
    assert refused.refusal.retry_at == NOON + timedelta(hours=renewed_after)
    desk.now += timedelta(seconds=1)
    assert desk.open("c", 100).granted


def test_a_limit_that_is_set_late_knows_what_was_spent_before() -> None:
    desk = Desk(lifetime=1000)
    desk.spend("a", 80, stage="critic")
    desk.cap("month", 100, "stage:critic")
    assert desk.free("month", "stage:critic") == 20


def test_a_share_follows_the_cap_on_everything() -> None:
    desk = Desk(day=100)
    desk.change(SetLimit(scope="stage:critic", window="day", share=0.3))
    assert not desk.open("a", 31, stage="critic").granted
    desk.change(TopUp(window="day", by_nanousd=100))
    assert desk.open("a", 60, stage="critic").granted
    assert not desk.open("b", 1, stage="critic").granted


def test_where_the_model_is_open_the_bound_counts_against_each_and_after_the_draw_against_one() -> (
    None
):
    desk = Desk(lifetime=1000)
    desk.cap("day", 100, "model:m")
    desk.cap("day", 100, "model:n")
    assert desk.open("a", 100, alternative_models=("n",)).granted
    assert not desk.open("b", 1, model="n").granted
    desk.draw("a", 100, model="m")
    assert desk.free("day", "model:n") == 100
    assert desk.free("day", "model:m") == 0
    check(desk.books)


def test_a_limit_that_only_warns_refuses_nothing_and_does_not_count_as_a_cap() -> None:
    desk = Desk()
    desk.cap("day", 10, hard=False)
    assert reason(desk.open("a", 5)) == "no-cap"
    desk.cap("lifetime", 1000)
    assert desk.open("a", 500).granted


def test_a_cap_on_a_stage_alone_leaves_the_whole_uncapped_so_nothing_is_granted() -> None:
    desk = Desk()
    desk.cap("day", 100, "stage:critic")
    assert reason(desk.open("a", 5, stage="critic")) == "no-cap"


def test_another_time_zone_moves_midnight_and_forgets_nothing() -> None:
    desk = Desk(now=datetime(2026, 6, 1, 22, 30, tzinfo=UTC), day=100)
    desk.spend("a", 60)
    desk.now = datetime(2026, 6, 2, 1, tzinfo=UTC)
    assert desk.free("day") == 100
    desk.change(SetZone(zone="Europe/Zurich"))  # there it has been 2 June since 22:00 UTC
    assert desk.free("day") == 40


def test_a_part_pays_its_own_stage_so_that_none_starves_another() -> None:
    desk = Desk(lifetime=100)
    parts = tuple(
        AllocationRequest(stage=stage, model="m", upper_bound_nanousd=10)
        for stage in ("synthesizer", "critic")
    )
    desk.ask(OpenReservation(reservation_id="a", allocations=parts, requested_at=desk.now))
    assert desk.draw("a", 10, call="1").granted
    assert reason(desk.draw("a", 1, call="2")) == "reservation"
    assert desk.draw("a", 10, call="3", stage="critic").granted
    assert desk.grow("a", 5, stage="synthesizer").granted
    assert desk.draw("a", 5, call="2").granted
    assert desk.money.open == 0


# --- near the cap ---------------------------------------------------------------------------------------------------------


def test_near_the_cap_the_dearest_plan_that_fits_is_opened_then_none() -> None:
    desk = Desk(lifetime=100)
    plans = [desk.open(name, 40, smaller=(20, 5)).plan for name in ("a", "b")]
    assert plans == [0, 0]
    assert desk.open("c", 40, smaller=(20, 5)).plan == 1
    assert not desk.open("d", 40, smaller=(20, 5)).granted
    desk.cap("lifetime", 106)
    assert desk.open("d", 40, smaller=(20, 5)).plan == 2
    assert desk.open("c", 40, smaller=(20, 5)).plan == 1, "the same question has the same answer"
    assert desk.free("lifetime") == 1


def test_a_single_call_is_opened_and_drawn_and_settled_and_closed_with_two_questions() -> None:
    desk = Desk(lifetime=100)
    part = AllocationRequest(stage="s", model="m", upper_bound_nanousd=60)
    first = Authorize(
        reservation_id="a",
        call_id="c",
        nonce="n",
        stage="s",
        model="m",
        upper_bound_nanousd=60,
        lifetime_s=60,
    )
    question = OpenReservation(
        reservation_id="a", allocations=(part,), first_attempt=first, requested_at=desk.now
    )
    grant = desk.ask(question)
    assert grant.granted
    assert desk.ask(question) == grant
    other = question.model_copy(
        update={"first_attempt": first.model_copy(update={"nonce": "another worker"})}
    )
    assert reason(desk.ask(other)) == "reservation"
    desk.settle(grant.attempt_id, 50, release=True)
    assert (desk.money.open, desk.money.drawn, desk.money.settled) == (0, 0, 50)
    assert list(desk.books.closed) == ["a"]


# --- the tax ----------------------------------------------------------------------------------------------------------------


def test_the_tax_is_off_until_foreground_spend_is_reported_then_capped() -> None:
    desk = Desk(lifetime=10_000)
    desk.spend("a", 100)
    desk.foreground(10)
    assert desk.open("b", 100).granted
    assert reason(desk.open("c", 1)) == "tax"
    desk.foreground(1)
    assert desk.open("c", 20).granted
    assert desk.open("free", 0).granted


def test_the_tax_looks_back_over_its_days_only() -> None:
    desk = Desk(lifetime=10_000)
    desk.change(SetTax(ratio=1, days=2))
    desk.foreground(100)
    desk.spend("a", 100)
    assert not desk.open("b", 1).granted
    desk.now += timedelta(days=2)
    desk.foreground(10)
    assert desk.open("b", 10).granted
    state = summary(desk.books, 1, desk.now).tax
    assert state is not None
    assert (state.daydream_nanousd, state.foreground_nanousd, state.ratio) == (0, 10, 0.0)


def test_canaries_are_left_out_of_the_tax() -> None:
    desk = Desk(lifetime=10_000)
    desk.foreground(1)
    assert desk.open("canary", 100, purpose="canary").granted
    assert desk.open("a", 20).granted
    assert not desk.open("b", 1).granted


def test_a_report_is_counted_once_and_an_old_one_not_at_all() -> None:
    desk = Desk()
    assert desk.foreground(5, "r").counted
    assert desk.foreground(5, "r").counted
    assert desk.books.foreground.total == 5


# --- what people change -----------------------------------------------------------------------------------------------------


def test_a_pause_stops_everything_that_costs_and_lets_calls_in_hand_be_settled() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 50)
    attempt = desk.draw("a", 20).attempt_id
    desk.change(Pause(paused=True))
    assert reason(desk.open("b", 1)) == "paused"
    assert reason(desk.draw("a", 1, call="another")) == "paused"
    assert desk.open("free", 0).granted
    assert desk.settle(attempt, 10).known
    desk.change(Pause(paused=False))
    assert desk.draw("a", 1, call="another").granted


def test_a_correction_is_an_entry_in_the_window_that_it_is_about_and_never_invents_money() -> None:
    desk = Desk(day=100)
    desk.spend("a", 80)
    then = desk.now
    desk.now += timedelta(days=1)
    desk.spend("b", 10)
    assert (
        desk.change(
            CorrectionEntry(stage="synthesizer", model="m", at=then, by_nanousd=-30)
        ).refusal
        is None
    )
    assert desk.money.settled == 60
    assert desk.free("day") == 90
    assert (
        reason(
            desk.change(CorrectionEntry(stage="synthesizer", model="m", at=then, by_nanousd=-51))
        )
        == "invalid-change"
    )
    check(desk.books)


def test_who_changed_what_and_why_is_kept() -> None:
    desk = Desk(lifetime=100)
    desk.change(TopUp(window="lifetime", by_nanousd=2_500_000_000))
    latest = summary(desk.books, 1, desk.now).changes[0]
    assert (latest.who, latest.text) == ("Ada", "all/lifetime: raised by $2.50")


@pytest.mark.parametrize(
    "what",
    [TopUp(window="week", by_nanousd=1), RemoveLimit(window="week"), SetZone(zone="Mars/Olympus")],
)
def test_a_change_that_can_not_be_made_says_why_and_leaves_no_entry(what: Any) -> None:
    desk = Desk(lifetime=100)
    before = len(desk.books.controls.changes)
    assert desk.change(what).refusal is not None
    assert len(desk.books.controls.changes) == before


# --- alerts and forecast --------------------------------------------------------------------------------------------------------


def test_a_soft_share_is_told_once_a_window_and_again_in_the_next() -> None:
    desk = Desk(day=100)
    desk.spend("a", 79)
    assert crossings(desk.books, set(), desk.now) == []
    desk.spend("b", 1)
    ((entry, alert),) = crossings(desk.books, set(), desk.now)
    assert (entry.share, alert.kind) == (0.8, "soft-limit")
    assert crossings(desk.books, set(), desk.now)[0][1].message_id == alert.message_id, (
        "the same alert has the same id"
    )
    desk.fold(entry)
    assert crossings(desk.books, set(), desk.now) == []
    desk.now += timedelta(days=1)
    desk.spend("c", 80)
    assert len(crossings(desk.books, set(), desk.now)) == 1


def test_a_limit_that_refuses_is_told_once() -> None:
    desk = Desk(day=100)
    ((entry, alert),) = crossings(desk.books, {"all/day"}, desk.now)
    assert alert.kind == "refused"
    desk.fold(entry)
    assert crossings(desk.books, {"all/day"}, desk.now) == []


def test_a_bill_above_its_bound_raises_an_alert_with_its_numbers() -> None:
    desk = Desk(lifetime=100)
    desk.open("a", 20)
    attempt = desk.draw("a", 20).attempt_id
    desk.settle(attempt, 30)
    entry = AttemptSettled(attempt_id=attempt, cost_nanousd=30, unknown=False)
    alert = overrun(desk.books, entry, desk.now)
    assert alert is not None
    assert alert.about == attempt


def test_the_time_at_which_a_cap_will_be_reached_follows_the_burn() -> None:
    desk = Desk(now=NOON, lifetime=1_000, day=150)
    desk.spend("a", 100)
    desk.now += timedelta(hours=1) - timedelta(minutes=15)
    assert burn_nanousd_per_h(desk.books, "all", desk.now) == 133
    by_window = {limit.window: limit for limit in summary(desk.books, 1, desk.now).limits}
    assert by_window["day"].reached_at == desk.now + timedelta(hours=50 / 133)
    assert by_window["lifetime"].reached_at is not None
    desk.now += timedelta(days=2)
    assert {limit.reached_at for limit in summary(desk.books, 1, desk.now).limits} == {None}


# --- what was seen to go wrong elsewhere ------------------------------------------------------------------------------------------


def test_concurrent_requests_can_not_pass_a_cap_together() -> None:
    """A check after the call spent six times a small cap with 256 workers; "in flight × average" five times."""
    desk = Desk(lifetime=100)
    granted = [desk.open(f"worker-{number}", 30).granted for number in range(256)]
    assert sum(granted) == 3


def test_a_reservation_whose_worker_died_does_not_leak_until_all_is_refused() -> None:
    desk = Desk(lifetime=1_000)
    for number in range(50):
        assert desk.open(f"e{number}", 10).granted
    desk.sweep(timedelta(days=1, seconds=1))
    assert desk.money.open == 0
    assert desk.open("after", 1_000).granted


def test_free_models_pass_when_the_cap_is_used_up() -> None:
    desk = Desk(lifetime=100)
    desk.spend("a", 100)
    assert not desk.open("paid", 1).granted
    assert desk.open("free", 0).granted
    assert desk.draw("free", 0).granted


def test_memory_is_bounded_by_what_is_open_and_not_by_history() -> None:
    desk = Desk(lifetime=10**9)
    for number in range(2_000):
        desk.spend(f"e{number}", 1)
        desk.now += timedelta(minutes=15)
    week = 7 * 24 * 4
    assert len(desk.books.closed) <= week + 1
    assert desk.books.reservations == {}
    assert desk.books.attempts == {}


def test_books_that_were_never_written_to_add_up() -> None:
    check(LedgerState())
