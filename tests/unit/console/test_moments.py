"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from daydream_console.moments import read_moment
from daydream_contracts.errors import ConfigurationError

ZURICH = ZoneInfo("Europe/Zurich")  # one hour ahead of UTC in November
NOW = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12h", datetime(2026, 11, 29, 20, 30, tzinfo=UTC)),
        ("3d", datetime(2026, 11, 27, 8, 30, tzinfo=UTC)),
        ("2 w", datetime(2026, 11, 16, 8, 30, tzinfo=UTC)),
        ("today", datetime(2026, 11, 29, 23, 0, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 28, 23, 0, tzinfo=UTC)),
        ("Last night", datetime(2026, 11, 29, 17, 0, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 10, 31, 23, 0, tzinfo=UTC)),
        ("2026-11-01 09:15", datetime(2026, 11, 1, 8, 15, tzinfo=UTC)),
        ("2026-11-01T09:15:00Z", datetime(2026, 11, 1, 9, 15, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_the_local_zone(text: str, moment: datetime) -> None:
    assert read_moment(text, NOW, ZURICH) == moment


@pytest.mark.parametrize("text", ["", "soon", "12", "-3d", "2026-13-01"])
def test_anything_else_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ConfigurationError, match="yesterday"):
        read_moment(text, NOW, ZURICH)
