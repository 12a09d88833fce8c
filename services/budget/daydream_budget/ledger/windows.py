"""Calendar windows in the operator's time zone, and the quarter-hours that they are added up from.

What was spent is kept by UTC quarter-hour, because every zone's hours, days, weeks (from Monday) and months begin on one
(offsets in use are multiples of 15 minutes). So a change of the zone, or of daylight saving, needs no conversion: a day of
23 or 25 hours is the sum of 92 or 100 quarters.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from daydream_contracts.rpc import Window

QUARTER_S = 900
QUARTERS_A_DAY = 86_400 // QUARTER_S
Span = tuple[int, int]
FOR_EVER: Span = (0, 1 << 62)


def quarter_of(at: datetime) -> int:
    """The number of the UTC quarter-hour since 1970."""
    return int(at.timestamp()) // QUARTER_S


def start_of(quarter: int) -> datetime:
    """When a quarter-hour begins (UTC)."""
    return datetime.fromtimestamp(quarter * QUARTER_S, UTC)


def span_of(window: Window, at: datetime, zone: ZoneInfo) -> Span:
    """The quarters [first, end) of the window that `at` lies in."""
    if window == "lifetime":
        return FOR_EVER
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
    """When the window ends and begins anew; None for the lifetime."""
    return None if window == "lifetime" else start_of(span_of(window, at, zone)[1]).astimezone(zone)


def _hour(local: datetime) -> Span:
    """An hour of the wall clock under one offset: the hour that daylight saving repeats is two windows."""
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    first = local.astimezone(UTC) - into
    return quarter_of(first), quarter_of(first) + 3600 // QUARTER_S
