"""Calendar windows in the operator's time zone, as ranges of quarter-hours.

Spending is stored by UTC quarter-hour. In every time zone hours, days, weeks (from Monday) and
months begin on a quarter-hour, because offsets in use are multiples of 15 minutes. So a change of
the zone or of daylight saving converts nothing: a day of 23 or 25 hours is the sum of 92 or 100
quarter-hours.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daydream_contracts.rpc import Window

QUARTER_S = 900
QUARTERS_PER_HOUR = 3600 // QUARTER_S
QUARTERS_PER_DAY = 86_400 // QUARTER_S
Span = tuple[int, int]
ALL_TIME: Span = (0, 1 << 62)


def quarter_of(at: datetime) -> int:
    """Return the number of the UTC quarter-hour since 1970."""
    return int(at.timestamp()) // QUARTER_S


def start_of(quarter: int) -> datetime:
    """Return the start of a quarter-hour, in UTC."""
    return datetime.fromtimestamp(quarter * QUARTER_S, UTC)


def span_of(window: Window, at: datetime, zone: ZoneInfo) -> Span:
    """Return the quarter-hours [first, end) of the window that contains `at`."""
    if window == "lifetime":
        return ALL_TIME
    local = at.astimezone(zone)
    if window == "hour":
        return _hour(local)
    day = local.date()
    match window:
        case "day":
            first, after = day, day + timedelta(days=1)
        case "week":
            first = day - timedelta(days=day.weekday())
            after = first + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            after = (first + timedelta(days=32)).replace(day=1)
    return quarter_of(datetime.combine(first, time.min, zone)), quarter_of(
        datetime.combine(after, time.min, zone)
    )


def renewal(window: Window, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the next window begins, in the zone's time; None for the lifetime."""
    return None if window == "lifetime" else start_of(span_of(window, at, zone)[1]).astimezone(zone)


def _hour(local: datetime) -> Span:
    """Return one hour under one offset: the hour that daylight saving repeats is two windows.

    A change of clocks inside of an hour ends it, as at 2:45 on the Chatham Islands.
    """
    elapsed = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    first = quarter_of(local.astimezone(UTC) - elapsed)
    offset = local.utcoffset()
    quarters = [
        quarter
        for quarter in range(first, first + QUARTERS_PER_HOUR)
        if start_of(quarter).astimezone(local.tzinfo).utcoffset() == offset
    ]
    return quarters[0], quarters[-1] + 1
