"""A replica whose clock differs from the broker's commits nothing, and recovers by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from daydream_budget.ledger.broker_clock import FRESH_S, BrokerClock
from support.fake_ledger import NOON


class FakeClocks:
    """The broker's clock, this machine's wall clock and its monotonic clock."""

    def __init__(self) -> None:
        self.broker = NOON
        self.ahead = timedelta()
        self.steady_s = 100.0
        self.asked = 0
        self.latency = timedelta()

    async def ask(self) -> datetime:
        self.asked += 1
        answer = self.broker
        self.pass_time(self.latency)
        return answer

    def wall(self) -> datetime:
        return self.broker + self.ahead

    def steady(self) -> float:
        return self.steady_s

    def pass_time(self, time: timedelta) -> None:
        self.broker += time
        self.steady_s += time.total_seconds()


@pytest.fixture
def clocks() -> FakeClocks:
    return FakeClocks()


@pytest.fixture
def clock(clocks: FakeClocks) -> BrokerClock:
    return BrokerClock(clocks.ask, skew_s_max=5, wall=clocks.wall, steady=clocks.steady)


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(hours=26), "93600.0 s ahead of NATS's clock"),
        (timedelta(days=400), "34560000.0 s ahead of"),
        (timedelta(seconds=-6), "6.0 s behind NATS's clock"),
    ],
)
async def test_a_clock_that_is_off_is_refused_with_the_difference(
    clock: BrokerClock, clocks: FakeClocks, ahead: timedelta, words: str
) -> None:
    clocks.ahead = ahead
    await clock.check()
    assert clock.refusal is not None
    assert clock.refusal.reason == "clock-skew"
    assert words in clock.refusal.text
    assert clock.now() == clocks.broker, "what is shown meanwhile is the broker's time"


@pytest.mark.parametrize("ahead_s", [0, 4.9, -4.9])
async def test_a_small_difference_is_tolerated(
    clock: BrokerClock, clocks: FakeClocks, ahead_s: float
) -> None:
    clocks.ahead = timedelta(seconds=ahead_s)
    await clock.check()
    assert clock.refusal is None
    assert clock.now() == clocks.wall()


async def test_a_slow_reply_is_no_difference(clock: BrokerClock, clocks: FakeClocks) -> None:
    clocks.latency = timedelta(seconds=30)
    await clock.check()
    assert clock.skew_s == 0


async def test_a_recent_check_is_not_repeated(clock: BrokerClock, clocks: FakeClocks) -> None:
    for _ in range(100):
        await clock.check_if_stale()
        clocks.pass_time(timedelta(seconds=FRESH_S / 200))
    assert clocks.asked == 1


@pytest.mark.fault("F8 F20", invariant="after a pause the clock is checked before the next commit")
async def test_it_is_checked_again_after_a_pause_of_the_process(
    clock: BrokerClock, clocks: FakeClocks
) -> None:
    await clock.check_if_stale()
    clocks.pass_time(timedelta(minutes=1))
    await clock.check_if_stale()
    assert clocks.asked == 2
    assert clock.refusal is None


@pytest.mark.fault("F20", invariant="a clock that is set while the process runs is found at once")
async def test_a_clock_that_is_set_while_it_runs_is_found_at_once(
    clock: BrokerClock, clocks: FakeClocks
) -> None:
    await clock.check_if_stale()
    clocks.ahead = timedelta(hours=1)
    await clock.check_if_stale()
    assert clock.refusal is not None
    clocks.ahead = timedelta()
    await clock.check_if_stale()
    assert clock.refusal is None


async def test_it_says_once_that_it_is_off_and_once_that_it_is_right_again(
    clock: BrokerClock, clocks: FakeClocks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clocks.ahead = timedelta(hours=1)
    for _ in range(3):
        await clock.check()
    clocks.ahead = timedelta()
    for _ in range(3):
        await clock.check()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "3600.0 s ahead" in caplog.records[0].message
