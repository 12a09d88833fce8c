"""The time to wait is read in the forms that providers use."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from daydream_budget.gateway.providers.retry_after import retry_after_s
from support.provider_replies import error, reply_to


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1e9000"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "86400"}, 3600.0),
        ({"x-ratelimit-reset-requests": "1m30s", "x-ratelimit-reset-tokens": "200ms"}, 0.2),
        ({"x-ratelimit-reset-tokens": "2.5s"}, 2.5),
        ({"retry-after": "3", "x-ratelimit-reset-tokens": "1s"}, 3.0),
        ({}, None),
    ],
)
def test_durations_are_read(headers: dict[str, str], wait_s: float | None) -> None:
    assert retry_after_s(headers) == wait_s


def test_moments_are_read() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)
    for headers in (
        {"retry-after": format_datetime(moment, usegmt=True)},
        {"x-ratelimit-reset": str(int((time.time() + 100) * 1000))},
        {"x-ratelimit-reset": str(int(time.time() + 100))},
        {"anthropic-ratelimit-requests-reset": moment.isoformat()},
    ):
        assert retry_after_s(headers) == pytest.approx(100, abs=3)


def test_resets_count_only_where_the_provider_is_busy() -> None:
    assert retry_after_s({"x-ratelimit-reset-tokens": "20s"}, is_busy=False) is None
    assert reply_to(400, error(), x_ratelimit_reset_tokens="20s").retry_after_s is None


def test_the_words_count_where_no_header_says_it() -> None:
    reply = reply_to(429, error("Rate limit reached. Please try again in 7.66s."))
    assert reply.retry_after_s == pytest.approx(7.66)
