"""The lab's own work through the gateway: its accounts, its limits, and its part in the tax."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from daydream_budget.ledger.invariants import check
from daydream_budget.ledger.snapshots import LedgerSnapshot
from daydream_budget.ledger.summary import summary
from daydream_contracts.rpc import CorrectionEntry, Pause, SetTax
from support.fake_ledger import FakeLedger


def spend(ledger: FakeLedger, name: str, cost: int, key: str = "k1", **fields: Any) -> None:
    """Make a foreground call: two requests."""
    grant = ledger.call(name, cost, purpose="foreground", key=key, stage="gateway", **fields)
    assert grant.granted
    ledger.settle(grant.attempt_id, cost, input_tokens=5, output_tokens=7, release=True)


def refused(ledger: FakeLedger, upper_bound: int, key: str = "k1", **fields: Any) -> Any:
    grant = ledger.call("refused", upper_bound, purpose="foreground", key=key, **fields)
    assert grant.refusal is not None
    return grant.refusal


def test_foreground_work_needs_no_cap_and_uses_none_of_daydreamings() -> None:
    ledger = FakeLedger()
    spend(ledger, "a", 500, team="red")
    ledger.set_cap("lifetime", 100)
    spend(ledger, "b", 500, team="red")
    assert ledger.money.settled == 0
    assert ledger.free("lifetime") == 100
    assert ledger.state.accounts.of("foreground").settled == 1000
    assert ledger.state.accounts.of("key:k1").settled == 1000
    assert ledger.state.accounts.of("model:m").settled == 0
    check(ledger.state)


@pytest.mark.parametrize("scope", ["key:k1", "foreground", "team:red"])
@pytest.mark.parametrize("window", ["hour", "lifetime"])
def test_a_limit_on_foreground_work_is_hard(scope: str, window: Any) -> None:
    ledger = FakeLedger()
    ledger.set_cap(window, 100, scope)
    spend(ledger, "a", 60, team="red")
    refusal = refused(ledger, 41, team="red")
    assert (refusal.reason, refusal.limits) == ("cap", (f"{scope}/{window}",))
    spend(ledger, "b", 40, team="red")


def test_a_limit_on_one_key_leaves_the_others_alone() -> None:
    ledger = FakeLedger()
    ledger.set_cap("day", 10, "key:k1")
    spend(ledger, "a", 100, key="k2")
    assert refused(ledger, 11).limits == ("key:k1/day",)


def test_calls_in_progress_of_a_key_make_the_next_one_wait() -> None:
    ledger = FakeLedger()
    ledger.set_cap("day", 100, "key:k1")
    assert ledger.call("a", 80, purpose="foreground", key="k1").granted
    assert refused(ledger, 80).near_cap


def test_foreground_work_does_not_wait_for_what_daydreams_of_its_team_hold() -> None:
    ledger = FakeLedger(lifetime=1000)
    ledger.set_cap("day", 100, "team:red")
    assert ledger.open("a", 90, team="red").granted
    spend(ledger, "b", 90, team="red")


def test_a_pause_stops_daydreaming_and_not_the_labs_own_work() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.change(Pause(paused=True))
    spend(ledger, "a", 5)


def test_measured_foreground_spend_is_the_denominator_of_the_tax() -> None:
    ledger = FakeLedger(lifetime=10_000)
    ledger.change(SetTax(ratio=2, days=2))
    ledger.spend("before", 10)
    spend(ledger, "a", 30)
    ledger.report_foreground(5)
    tax = summary(ledger.state, 1, ledger.now).tax
    assert tax is not None
    assert (tax.foreground_nanousd, tax.daydream_nanousd) == (35, 10)
    refusal = ledger.open("b", 61).refusal
    assert refusal is not None
    assert refusal.reason == "tax"
    assert ledger.open("c", 60).granted
    ledger.now += timedelta(days=2)
    refusal = ledger.authorize("c", 1).refusal
    assert refusal is not None
    assert refusal.reason == "tax", "the tax is a limit of every attempt"


def test_foreground_spend_is_shown_by_key_team_and_model() -> None:
    ledger = FakeLedger()
    spend(ledger, "a", 3, key="k2", team="blue", label="search", model="n")
    spend(ledger, "b", 4, key="k1", team="red")
    spend(ledger, "c", 5, key="k1", team="red")
    state = summary(ledger.state, 1, ledger.now)
    rows = [
        (row.key, row.team, row.label, row.model, row.settled_nanousd) for row in state.foreground
    ]
    assert rows == [("k1", "red", "", "m", 9), ("k2", "blue", "search", "n", 3)]
    assert state.foreground[0].output_tokens == 14
    assert (state.foreground_settled_nanousd, state.settled_nanousd, state.spend) == (12, 0, ())
    assert state.daydreams_paid == 0


def test_a_correction_of_foreground_spend_changes_its_key_and_the_tax() -> None:
    ledger = FakeLedger()
    spend(ledger, "a", 30, team="red")
    correction = CorrectionEntry(
        stage="gateway",
        model="m",
        team="red",
        purpose="foreground",
        key="k1",
        at=ledger.now,
        by_nanousd=-10,
    )
    assert ledger.change(correction).refusal is None
    assert ledger.state.accounts.of("key:k1").settled == 20
    assert ledger.state.foreground.total == 20
    assert ledger.change(correction.model_copy(update={"by_nanousd": -21})).refusal is not None
    check(ledger.state)


def test_a_snapshot_holds_foreground_spend() -> None:
    ledger = FakeLedger()
    spend(ledger, "a", 30, team="red", label="search")
    text = LedgerSnapshot.of(ledger.state, 1).model_dump_json()
    restored = LedgerSnapshot.model_validate_json(text).to_state()
    check(restored)
    assert summary(restored, 1, ledger.now) == summary(ledger.state, 1, ledger.now)


def test_foreground_spend_without_a_key_is_not_accepted() -> None:
    with pytest.raises(ValidationError, match="id of the key"):
        FakeLedger().call("a", 1, purpose="foreground")


def test_open_daydreams_are_counted_apart_from_other_reservations() -> None:
    ledger = FakeLedger(lifetime=10_000)
    assert ledger.open("a", 10).granted
    assert ledger.open("b", 10, purpose="calibration").granted
    state = summary(ledger.state, 1, ledger.now)
    assert (state.reservations_open, state.daydreams_open) == (2, 1)
