"""Read a point in time as people write it: a date, "yesterday", "12h", "3d"."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from daydream_contracts.errors import ConfigurationError

AGO = re.compile(r"(\d{1,4}) ?(h|d|w)", re.IGNORECASE)
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
EVENING_HOUR = 18  # "last night" begins here
FORMS = "2026-11-30, '2026-11-30 18:00', 12h, 3d, 2w, today, yesterday or 'last night'"


def read_moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the time in UTC. A time without a zone is in `zone`, by default the local one.

    Raise ConfigurationError for any other text.
    """
    local_now = now.astimezone(zone)
    midnight = local_now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {
        "today": midnight,
        "yesterday": midnight - timedelta(days=1),
        "last night": midnight - timedelta(hours=24 - EVENING_HOUR),
    }
    word = text.strip().lower()
    if word in named:
        return named[word].astimezone(UTC)
    if ago := AGO.fullmatch(word):
        return (now - int(ago[1]) * UNITS[ago[2]]).astimezone(UTC)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConfigurationError(f"{text!r} is no time", f"Write it like {FORMS}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=local_now.tzinfo)
    return moment.astimezone(UTC)
