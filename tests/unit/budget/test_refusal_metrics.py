"""Refusals are distinguished: in metrics, and by the sampler."""

from __future__ import annotations

import pytest

from daydream_budget.metrics import RefusalCounter
from daydream_contracts.metrics.budget import REFUSAL_REASONS, REFUSALS
from daydream_contracts.rpc import HALT_REASONS, Grant, Pause, Refusal, SetTax
from daydream_runtime.telemetry import Telemetry, start_telemetry
from daydream_sampler.sampler_state import phase_of
from support.fake_ledger import FakeLedger


def near_cap() -> Grant:
    ledger = FakeLedger(lifetime=100)
    ledger.open("a", 60)
    return ledger.open("b", 60)


def cap_reached() -> Grant:
    ledger = FakeLedger(lifetime=100)
    ledger.spend("a", 60)
    return ledger.open("b", 60)


def taxed() -> Grant:
    ledger = FakeLedger(lifetime=100)
    ledger.change(SetTax(ratio=1))
    ledger.report_foreground(1)
    return ledger.open("a", 60)


def paused() -> Grant:
    ledger = FakeLedger(lifetime=100)
    ledger.change(Pause(paused=True))
    return ledger.open("a", 60)


REFUSED = {
    "near-cap": near_cap(),
    "cap": cap_reached(),
    "tax": taxed(),
    "paused": paused(),
    "no-cap": FakeLedger().open("a", 1),
    "ledger-unreadable": Grant(refusal=Refusal(reason="ledger-unreadable", text="…")),
    "clock-skew": Grant(refusal=Refusal(reason="clock-skew", text="…")),
}


def counts(telemetry: Telemetry) -> dict[str, float]:
    """Return the counter by reason, as Prometheus reads it."""
    return {
        sample.labels["reason"]: sample.value
        for family in telemetry.registry.collect()
        for sample in family.samples
        if sample.name == REFUSALS.exposed
    }


def test_each_reason_is_counted_by_itself_from_zero() -> None:
    telemetry = start_telemetry("budget", "test")
    counter = RefusalCounter(telemetry)
    assert counts(telemetry) == dict.fromkeys(REFUSAL_REASONS, 0)
    for grant in (*REFUSED.values(), FakeLedger().open("free", 0)):
        counter.counted(grant)
    assert counts(telemetry) == dict.fromkeys(REFUSAL_REASONS, 1)
    telemetry.close()


@pytest.mark.parametrize("reason", REFUSAL_REASONS)
def test_the_sampler_tells_no_money_from_a_wait_and_from_a_ledger_that_commits_nothing(
    reason: str,
) -> None:
    refusal = REFUSED[reason].refusal
    assert refusal is not None
    phases = {"near-cap": "near-cap", **dict.fromkeys(HALT_REASONS, "ledger-halted")}
    assert phase_of(refusal) == phases.get(reason, "refused")
