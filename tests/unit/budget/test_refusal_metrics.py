"""Refusals are distinguished: in metrics, and by the sampler."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from daydream_budget.metrics import REASONS, RefusalCounter
from daydream_contracts.rpc import HALT_REASONS, Grant, Pause, Refusal, SetTax
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


@pytest.fixture
def counted() -> dict[str, int]:
    """Count one refusal of each reason and one grant; return the counter by reason."""
    reader = InMemoryMetricReader()
    telemetry: Any = SimpleNamespace(meters=MeterProvider([reader]))
    counter = RefusalCounter(telemetry)
    for grant in (*REFUSED.values(), FakeLedger().open("free", 0)):
        counter.counted(grant)
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    points: Any = metric.data.data_points
    return {point.attributes["reason"]: point.value for point in points}


def test_each_reason_is_counted_by_itself(counted: dict[str, int]) -> None:
    assert counted == dict.fromkeys(REASONS, 1)


@pytest.mark.parametrize("reason", REASONS)
def test_the_sampler_tells_no_money_from_a_wait_and_from_a_ledger_that_commits_nothing(
    reason: str,
) -> None:
    refusal = REFUSED[reason].refusal
    assert refusal is not None
    phases = {"near-cap": "near-cap", **dict.fromkeys(HALT_REASONS, "ledger-halted")}
    assert phase_of(refusal) == phases.get(reason, "refused")
