"""Read how long a provider asks to wait."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from math import isfinite

RETRY_AFTER_S_MAX = 3600.0
UNIX_TIME_S_MIN = 1e9  # a greater number is a moment, not a duration
MILLISECONDS_MIN = 1e12  # and a still greater one counts in milliseconds
RESET_HEADERS = (  # OpenAI and Groq; OpenRouter; Anthropic; Cloudflare and others
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-reset",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-reset",
    "ratelimit-reset",
)
UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_IN_WORDS = re.compile(rf"(?:retry|try again) (?:in|after) ({_DURATION.pattern})\b", re.IGNORECASE)


def retry_after_s(headers: Mapping[str, str], *, is_busy: bool = True) -> float | None:
    """Return the seconds to wait, at most an hour. None if the provider does not say.

    The headers have names in lower case. `Retry-After` wins. Without it, and only for an answer
    that `is_busy`, the earliest reset of a rate limit counts: other answers name their resets too.
    """
    explicit = (
        _milliseconds(headers.get("retry-after-ms", "")),
        _moment(headers.get("retry-after", "")),
    )
    resets = [_moment(headers.get(name, "")) for name in RESET_HEADERS if is_busy]
    waits = [wait for wait in explicit if wait is not None]
    waits = waits or [wait for wait in resets if wait is not None and wait > 0]
    return min(RETRY_AFTER_S_MAX, max(0.0, min(waits))) if waits else None


def retry_in_words_s(message: str) -> float | None:
    """Return the seconds in "Please try again in 7.66s", as OpenAI, Groq and Gemini write it."""
    match = _IN_WORDS.search(message)
    seconds = _moment(match[1].lower()) if match else None
    return None if seconds is None else min(RETRY_AFTER_S_MAX, seconds)


def _milliseconds(text: str) -> float | None:
    milliseconds = _number(text)
    return None if milliseconds is None else milliseconds / 1000


def _moment(text: str) -> float | None:
    """Read seconds, a duration such as 1m30s, a moment of Unix time, or a date."""
    number = _number(text)
    if number is not None and number >= UNIX_TIME_S_MIN:
        return (number / 1000 if number >= MILLISECONDS_MIN else number) - time.time()
    if number is not None:
        return number
    if _DURATION.fullmatch(text):
        return sum(float(count) * UNIT_S[unit] for count, unit in _PART.findall(text))
    return _date(text)


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (TypeError, ValueError, IndexError):
        pass
    try:
        return datetime.fromisoformat(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None
