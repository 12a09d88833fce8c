"""The pure parts of the limiter: the order of what replicas say, the pace, and the minute."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from daydream_budget.gateway.limiter.concurrency import Concurrency
from daydream_budget.gateway.limiter.minute import MinuteLimit
from daydream_budget.gateway.limiter.model_availability import (
    AttemptReport,
    AvailabilityView,
    ModelAvailability,
)
from daydream_budget.gateway.limiter.pace import AcceptedStarts, LearnedPace, Pace
from daydream_budget.gateway.limiter.terms import LimiterSettings, Signal

NOW = 500.0


def availability(**settings: int) -> ModelAvailability:
    return ModelAvailability(LimiterSettings(**settings), random.Random(1))


def attempt(
    availability: ModelAvailability, signal: Signal, *, number: int = 0, probe: bool = False
) -> AttemptReport:
    return AttemptReport(availability.epoch, number, probe, signal, 10.0, "slow down")


def view(
    availability: ModelAvailability, epoch: int, closed_for_s: float | None
) -> AvailabilityView:
    cause: Signal = "none" if closed_for_s is None else "busy"
    return replace(availability.view(NOW), epoch=epoch, closed_for_s=closed_for_s, cause=cause)


def test_an_older_report_opens_no_closed_gate_and_a_newer_one_does() -> None:
    closed = availability()
    closed.finished(attempt(closed, "busy"), NOW)
    for epoch in (closed.epoch - 1, closed.epoch):
        closed.adopt(view(closed, epoch, None), NOW)
        assert closed.closed_until is not None
    closed.adopt(view(closed, closed.epoch + 1, None), NOW)
    assert closed.closed_until is None


def test_of_two_gates_that_closed_together_the_longer_wait_counts() -> None:
    closed = availability()
    closed.finished(attempt(closed, "busy"), NOW)
    closed.adopt(view(closed, closed.epoch, 5.0), NOW)
    assert closed.closed_until is not None
    assert closed.closed_until >= NOW + 10
    closed.adopt(view(closed, closed.epoch, 60.0), NOW)
    assert closed.closed_until == NOW + 60


def test_a_refusal_from_before_the_gate_opened_closes_nothing() -> None:
    opened = availability()
    old = attempt(opened, "busy", number=1)
    opened.finished(attempt(opened, "busy"), NOW)
    opened.finished(attempt(opened, "ok", probe=True), NOW + 11)
    opened.finished(old, NOW + 12)
    assert opened.closed_until is None


def test_a_burst_after_an_idle_hour_teaches_the_pace_of_the_burst() -> None:
    starts = AcceptedStarts()
    for second in range(0, 500, 10):
        starts.add(1, NOW + second)
    for call in range(60):
        starts.add(1, NOW + 500 + call * 0.05)
    learned = starts.learned(accepts_again=NOW + 560)
    assert learned is not None
    assert learned.per_s == pytest.approx(1.0, rel=0.05)


def test_a_pace_is_kept_by_a_share_of_it() -> None:
    pace = Pace(random.Random(1))
    pace.learn(LearnedPace(10.0, 60.0), NOW)
    now, starts = NOW, 0
    while now < NOW + 30:
        delay_s = pace.delay_s(0.5, now)
        if delay_s == 0:
            pace.start()
            starts += 1
        now += max(delay_s, 1e-6)
    assert starts == pytest.approx(150, rel=0.05)


def test_a_minute_counts_every_replica_and_lets_a_large_call_through_alone() -> None:
    minute = MinuteLimit(100)
    minute.add_peers(60, NOW)
    assert minute.delay_s(40, 1.0, NOW) == 0
    assert minute.delay_s(41, 1.0, NOW) == pytest.approx(60.5, abs=0.2)
    assert minute.delay_s(1000, 1.0, NOW + 61) == 0
    counted = minute.add(40, NOW)
    counted.amount -= 30
    assert minute.delay_s(30, 0.4, NOW) == 0
    assert minute.delay_s(31, 0.4, NOW) > 60


def test_concurrency_recovers_fast_below_what_was_refused_and_slowly_above() -> None:
    limit = Concurrency(start=64, maximum=256)
    limit.halve()
    for _ in range(20):
        limit.answered(int(limit.limit), 1.0)
    assert limit.limit == pytest.approx(0.8 * 64, abs=1)
    for _ in range(51):
        limit.answered(int(limit.limit), 1.0)
    assert limit.limit == pytest.approx(0.8 * 64 + 1, abs=0.5)
    limit.answered(1, 1.0)  # the limit is not used: it does not grow
    assert limit.limit < 53
