"""What a reservation holds: what such daydreams have cost, from the ledger's own history."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daydream_budget.ledger.cost_history import (
    SAMPLES_MAX,
    SAMPLES_MIN,
    UNUSED_AFTER,
    usual_cost,
)
from daydream_budget.ledger.entries import BranchReleased
from daydream_budget.ledger.invariants import check
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.summary import summary
from daydream_contracts.rpc import (
    AllocationRequest,
    OpenReservation,
    Purpose,
    ReleaseReservation,
)
from support.fake_ledger import FakeLedger

BOUND = 1_000


def daydream(
    ledger: FakeLedger, name: str, cost: int, purpose: Purpose = "daydream", **fields: object
) -> None:
    """Make a daydream of one call, which costs less than its upper bound."""
    assert ledger.open(name, BOUND, purpose=purpose, **fields).granted  # type: ignore[arg-type]
    model = str(fields.get("model", "m"))
    attempt = ledger.authorize(name, BOUND, call=name, model=model)
    ledger.settle(attempt.attempt_id, cost)
    ledger.release(name)


def seen(*costs: int) -> FakeLedger:
    """Return a ledger that has seen daydreams of these costs."""
    ledger = FakeLedger(lifetime=10**9)
    for number, cost in enumerate(costs):
        daydream(ledger, f"seen-{number}", cost)
    return ledger


def held(ledger: FakeLedger, name: str) -> int:
    return sum(row.held for row in ledger.state.reservations[name].allocations)


def test_until_enough_daydreams_are_seen_the_expectation_is_held() -> None:
    ledger = seen(*[10] * (SAMPLES_MIN - 1))
    ledger.open("before", BOUND, expected=100)
    assert held(ledger, "before") == 100
    daydream(ledger, "one-more", 10)
    ledger.open("after", BOUND, expected=100)
    assert held(ledger, "after") == 10


def test_no_more_than_the_upper_bound_is_held() -> None:
    ledger = seen(*[900] * SAMPLES_MIN)
    ledger.open("a", 50, expected=100)
    assert held(ledger, "a") == 50
    new = FakeLedger(lifetime=1000)
    new.open("a", 50, expected=100)
    assert held(new, "a") == 50


def test_a_high_quantile_is_held_and_never_less_than_the_mean() -> None:
    assert usual_cost(range(1, 101)) == 90
    assert usual_cost([0] * 63 + [6_400]) == 100


def test_the_history_follows_what_daydreams_cost_lately() -> None:
    ledger = seen(*[10] * 100, *[500] * SAMPLES_MAX)
    (samples,) = ledger.state.cost_history.by_kind.values()
    assert samples.costs == (500,) * SAMPLES_MAX


def test_the_cost_is_held_for_each_branch() -> None:
    ledger = FakeLedger(lifetime=10**9)
    for number in range(SAMPLES_MIN):
        ledger.open(f"e{number}", BOUND, branches=2)
        for sample in range(2):
            attempt = ledger.authorize(f"e{number}", 100, call=f"{number}-{sample}")
            ledger.settle(attempt.attempt_id, 30)
        ledger.release(f"e{number}")
    ledger.open("one", BOUND)
    ledger.open("three", BOUND, branches=3)
    assert (held(ledger, "one"), held(ledger, "three")) == (30, 90)


@pytest.mark.parametrize("other", [{"purpose": "canary"}, {"model": "n"}])
def test_other_kinds_of_work_have_their_own_history(other: dict[str, str]) -> None:
    ledger = seen(*[10] * SAMPLES_MIN)
    ledger.open("a", BOUND, expected=100, **other)  # type: ignore[arg-type]
    assert held(ledger, "a") == 100


def test_a_daydream_that_was_given_up_before_its_first_call_says_nothing() -> None:
    ledger = FakeLedger(lifetime=10**9)
    for number in range(SAMPLES_MIN):
        ledger.open(f"e{number}", BOUND)
        ledger.release(f"e{number}")
        attempt = ledger.call(f"single-{number}", BOUND).attempt_id
        ledger.settle(attempt, 10, release=True)
    assert ledger.state.cost_history.by_kind == {}


def test_a_call_in_progress_counts_once_it_is_settled() -> None:
    ledger = FakeLedger(lifetime=10**9)
    ledger.open("a", BOUND)
    attempt = ledger.authorize("a", BOUND)
    ledger.release("a")
    assert ledger.state.cost_history.by_kind == {}
    ledger.settle(attempt.attempt_id, 10)
    (samples,) = ledger.state.cost_history.by_kind.values()
    assert samples.costs == (10,)


def test_a_kind_that_is_not_used_for_a_month_is_forgotten() -> None:
    ledger = seen(10)
    ledger.now += UNUSED_AFTER + timedelta(days=1)
    ledger.set_cap("day", 100)
    assert ledger.state.cost_history.by_kind == {}


def test_what_is_held_stands_in_the_ledger_and_does_not_depend_on_code() -> None:
    ledger = seen(*[10] * SAMPLES_MIN)
    ledger.open("a", BOUND)
    text = LedgerSnapshot.of(ledger.state, 1).model_dump_json()
    restored = LedgerSnapshot.model_validate_json(text).to_state()
    assert restored.cost_history.by_kind == ledger.state.cost_history.by_kind
    assert restored.reservations["a"].allocations[0].held == 10


def test_a_tried_daydream_that_lost_its_race_leaves_no_cost() -> None:
    ledger = seen(*[10] * SAMPLES_MIN)
    before = dict(ledger.state.cost_history.by_kind)
    ledger.open("a", BOUND)
    ledger.settle(ledger.authorize("a", BOUND).attempt_id, 999)
    ledger.state.undo_log.begin()
    _release_tried(ledger, "a")
    assert ledger.state.cost_history.by_kind != before
    ledger.state.undo_log.rollback()
    assert ledger.state.cost_history.by_kind == before
    check(ledger.state)


def test_what_ended_daydreams_had_reserved_is_shown_with_what_they_grew_by() -> None:
    ledger = FakeLedger(lifetime=10**9)
    for name, cost in (("within", 60), ("grown", 250)):
        ledger.open(name, BOUND, expected=100)
        ledger.settle(ledger.authorize(name, BOUND, call=name).attempt_id, cost)
        ledger.release(name)
    state = summary(ledger.state, 1, ledger.now)
    assert (state.daydreams_reserved_nanousd, state.daydreams_nanousd) == (350, 310)


def test_64_daydreams_with_the_full_prompt_are_in_progress_at_once_under_a_cap_of_2_dollars() -> (
    None
):
    """The upper bound of one is $0.086, so 23 of them would be held in full."""
    ledger = FakeLedger(lifetime=2_000_000_000)
    waves = 4
    for wave in range(waves):
        names = [f"{wave}-{number}" for number in range(64)]
        for name in names:
            grant = ledger.submit(full_prompt(ledger, name))
            assert (grant.granted, grant.plan) == (True, 0)
        for stage, bound, cost in CALLS:
            attempts = [
                ledger.authorize(name, bound, call=f"{name}-{stage}", stage=stage) for name in names
            ]
            assert all(attempt.granted for attempt in attempts)
            for attempt in attempts:
                ledger.settle(attempt.attempt_id, cost)
        for name in names:
            ledger.submit(ReleaseReservation(reservation_id=name))
    assert ledger.money.settled == waves * 64 * sum(cost for _, _, cost in CALLS)


CALLS = (("synthesizer", 16_000_000, 500_000), ("critic", 9_000_000, 500_000))
"""Of each daydream: stage, upper bound and cost."""


def full_prompt(ledger: FakeLedger, name: str) -> OpenReservation:
    """Return the full plan: repairs, comparisons and the oracle are in its upper bounds."""
    bounds = {"synthesizer": 32_000_000, "critic": 36_000_000, "oracle": 18_000_000}

    def allocations(divided_by: int) -> tuple[AllocationRequest, ...]:
        return tuple(
            AllocationRequest(
                stage=stage,
                model="m",
                upper_bound_nanousd=bound // divided_by,
                expected_nanousd=bound // divided_by // 10,
            )
            for stage, bound in bounds.items()
        )

    return OpenReservation(
        reservation_id=name,
        allocations=allocations(1),
        reduced_plans=({"allocations": allocations(2)},),
        requested_at=ledger.now,
    )


def _release_tried(ledger: FakeLedger, name: str) -> None:
    ledger.state.apply(BranchReleased(reservation_id=name, branch=None), ledger.now)
