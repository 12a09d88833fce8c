"""Calendar windows in any time zone, also in the nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_budget.ledger.windows import QUARTER_S, quarter_of, renewal, span_of, start_of

ZONES = (
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
    "Pacific/Chatham",
    "Africa/Cairo",
)
FORMS = {"hour": "%Y-%m-%d %H %z", "day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}


@pytest.mark.parametrize("window", FORMS)
@given(
    at=st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(ZONES),
)
def test_a_window_is_exactly_what_the_wall_clock_calls_by_one_name(
    window: str, at: datetime, zone: str
) -> None:
    clock = ZoneInfo(zone)
    first, end = span_of(window, at, clock)  # type: ignore[arg-type]
    assert first <= quarter_of(at) < end

    def name(moment: datetime) -> str:
        return moment.astimezone(clock).strftime(FORMS[window])

    here = name(at)
    assert name(start_of(end)) != here
    assert name(start_of(first) - timedelta(seconds=1)) != here
    for quarter in {first, (first + end) // 2, end - 1}:
        assert name(start_of(quarter)) == here
        assert name(start_of(quarter) + timedelta(seconds=QUARTER_S - 1)) == here


@pytest.mark.parametrize(
    ("now", "midnight", "hours"),
    [
        (datetime(2026, 3, 28, 23, 30, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), 23),
        (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC), 25),
    ],
)
@pytest.mark.fault("F20", invariant="a day ends at local midnight, also when clocks change")
def test_days_on_which_clocks_change_end_at_local_midnight(
    now: datetime, midnight: datetime, hours: int
) -> None:
    zurich = ZoneInfo("Europe/Zurich")
    assert renewal("day", now, zurich) == midnight
    first, end = span_of("day", now, zurich)
    assert (end - first) * QUARTER_S == hours * 3600


@pytest.mark.parametrize(
    ("zone", "change", "quarters"),
    [  # the lengths of the windows before and after the change
        ("Pacific/Chatham", datetime(2026, 9, 26, 14, tzinfo=UTC), (3, 1)),  # 2:45 becomes 3:45
        ("Pacific/Chatham", datetime(2026, 4, 4, 14, tzinfo=UTC), (3, 1)),  # 3:45 becomes 2:45
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC), (4, 2)),
        ("Europe/Zurich", datetime(2026, 3, 29, 1, tzinfo=UTC), (4, 4)),
    ],
)
def test_an_hour_ends_where_clocks_change_and_no_quarter_is_in_two_hours(
    zone: str, change: datetime, quarters: tuple[int, int]
) -> None:
    before = span_of("hour", change - timedelta(seconds=1), ZoneInfo(zone))
    after = span_of("hour", change, ZoneInfo(zone))
    assert before[1] == after[0] == quarter_of(change)
    assert (before[1] - before[0], after[1] - after[0]) == quarters


def test_the_lifetime_never_renews() -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert renewal("lifetime", now, ZoneInfo("UTC")) is None
    assert span_of("lifetime", now, ZoneInfo("UTC"))[0] == 0
