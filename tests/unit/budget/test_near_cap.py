"""Near a cap: smaller plans when little money remains, and waiting when others hold it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from daydream_contracts.rpc import AllocationRequest, OpenReservation, SetTax
from support.fake_ledger import FakeLedger


def reason(reply: Any) -> str:
    assert reply.refusal is not None
    return str(reply.refusal.reason)


def test_a_smaller_plan_is_opened_when_too_little_money_remains_for_the_full_one() -> None:
    ledger = FakeLedger(lifetime=100)
    plans = []
    for name in ("a", "b", "c", "d"):
        grant = ledger.open(name, 40, reduced=(20, 5))
        plans.append(grant.plan)
        cost = (30, 30, 10, 23)[len(plans) - 1]
        ledger.settle(ledger.authorize(name, cost, call=name).attempt_id, cost)
        ledger.release(name)
        assert ledger.open(name, 40, reduced=(20, 5)).plan == grant.plan, "the same reply"
    assert plans == [0, 0, 0, 1]
    assert ledger.open("e", 40, reduced=(20, 5)).plan == 2
    refused = ledger.open("f", 40, reduced=(20, 8))
    assert refused.refusal is not None
    assert not refused.refusal.near_cap, "no plan fits the 7 that remain"


def test_what_others_hold_makes_a_daydream_wait_and_does_not_shrink_it() -> None:
    ledger = FakeLedger(lifetime=100)
    assert [ledger.open(name, 40, reduced=(20, 5)).plan for name in ("a", "b")] == [0, 0]
    refusal = ledger.open("c", 40, reduced=(20, 5)).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.near_cap) == ("cap", True)
    assert refusal.retry_at == ledger.now + timedelta(seconds=5)
    ledger.release("a")
    assert ledger.open("c", 40, reduced=(20, 5)).plan == 0


def test_the_tax_shrinks_a_plan_as_a_cap_does() -> None:
    ledger = FakeLedger(lifetime=10_000)
    ledger.change(SetTax(ratio=1))
    ledger.report_foreground(30)
    assert ledger.open("a", 40, reduced=(20,)).plan == 1
    refusal = ledger.open("b", 40, reduced=(20,)).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.near_cap) == ("tax", True)


def test_the_smallest_plan_is_opened_as_long_as_one_of_its_calls_fits() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.spend("a", 85)
    parts = tuple(
        AllocationRequest(stage=stage, model="m", upper_bound_nanousd=10)
        for stage in ("synthesizer", "critic")
    )
    request = OpenReservation(reservation_id="b", allocations=parts, requested_at=ledger.now)
    assert ledger.submit(request).granted
    assert ledger.money.reserved == 10, "of one call, because no more is left"
    ledger.set_cap("day", 5, "stage:critic")
    refused = ledger.submit(request.model_copy(update={"reservation_id": "c"}))
    assert refused.refusal.limits == ("stage:critic/day",), "a judge could never be paid"


def test_a_single_call_needs_two_requests_from_opening_to_release() -> None:
    ledger = FakeLedger(lifetime=100)
    grant = ledger.call("a", 60)
    assert grant.granted
    assert (ledger.money.reserved, ledger.money.authorized) == (0, 60)
    assert ledger.call("a", 60) == grant
    assert reason(ledger.call("b", 50)) == "cap"
    ledger.settle(grant.attempt_id, 50, release=True)
    assert (ledger.money.reserved, ledger.money.authorized, ledger.money.settled) == (0, 0, 50)
    assert list(ledger.state.ended.released) == ["a"]


def test_the_first_attempt_of_another_worker_is_refused() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 60)
    assert reason(ledger.call("a", 60)) == "reservation"


def test_a_single_call_waits_for_what_daydreams_hold() -> None:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 60)
    refused = ledger.call("b", 50)
    assert refused.refusal is not None
    assert refused.refusal.near_cap
