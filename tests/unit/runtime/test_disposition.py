"""What happens to a message for each kind of failure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import nats.errors
import nats.js.errors
import pytest
from pydantic import ValidationError

from daydream_contracts.errors import (
    ConfigurationError,
    PermanentError,
    RetryLaterError,
    TransientError,
)
from daydream_contracts.rpc import FindPairs
from daydream_runtime.broker_errors import STREAM_FULL
from daydream_runtime.delivery_counts import DeliveryCounts
from daydream_runtime.disposition import (
    BACKOFF_S_MAX,
    FAILURES_MAX,
    Redeliver,
    Reject,
    backoff_s,
    decide,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FULL = nats.js.errors.APIError(
    code=503, err_code=STREAM_FULL, description="maximum messages exceeded"
)


def invalid() -> Exception:
    try:
        FindPairs.model_validate_json("{}")
    except ValidationError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (invalid(), "invalid"),
        (json.JSONDecodeError("no", "x", 0), "invalid"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), "invalid"),
        (PermanentError("document-gone", "it is gone"), "document-gone"),
        (KeyError("x"), "bug"),
        (ZeroDivisionError(), "bug"),
        (AssertionError("must hold"), "bug"),
        (ConfigurationError("a", "b"), "bug"),
        (
            nats.js.errors.APIError(code=400, err_code=10054, description="message size exceeds"),
            "bug",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_no_other_try_can_help_is_a_dead_letter_at_once(error: Exception, reason: str) -> None:
    outcome = decide(error, DeliveryCounts())
    assert isinstance(outcome, Reject)
    assert outcome.reason == reason
    assert type(error).__name__ in outcome.text


@pytest.mark.parametrize(
    "error",
    [
        RetryLaterError("no money"),
        FULL,
        nats.js.errors.ServiceUnavailableError(code=503),
        nats.errors.TimeoutError(),
        nats.errors.ConnectionClosedError(),
        nats.errors.NoRespondersError(),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_nobodys_fault_is_given_back_however_often_without_counting(
    error: Exception,
) -> None:
    counts = DeliveryCounts(failures=FAILURES_MAX - 1)
    for times in range(1, 200):
        outcome = decide(error, counts)
        assert isinstance(outcome, Redeliver)
        assert outcome.counts == DeliveryCounts(failures=FAILURES_MAX - 1, returned=times)
        counts = outcome.counts


def test_a_transient_failure_is_retried_and_the_last_one_is_a_dead_letter_with_the_count() -> None:
    counts = DeliveryCounts(returned=100)
    for times in range(1, FAILURES_MAX):
        outcome = decide(TransientError("hiccup"), counts)
        assert isinstance(outcome, Redeliver)
        assert outcome.counts == DeliveryCounts(failures=times, returned=100)
        counts = outcome.counts
    last = decide(TransientError("hiccup"), counts)
    assert isinstance(last, Reject)
    assert last.reason == "failed-too-often"
    assert str(FAILURES_MAX) in last.text
    assert "hiccup" in last.text


def test_a_refusal_waits_until_the_time_that_it_names() -> None:
    outcome = decide(
        RetryLaterError("cap", until=NOW + timedelta(hours=3)), DeliveryCounts(), now=NOW
    )
    assert isinstance(outcome, Redeliver)
    assert outcome.delay_s == 3 * 3600


def test_a_time_that_has_passed_already_is_no_negative_delay() -> None:
    outcome = decide(
        RetryLaterError("cap", until=NOW - timedelta(hours=3)), DeliveryCounts(), now=NOW
    )
    assert isinstance(outcome, Redeliver)
    assert 0 < outcome.delay_s <= 1


def test_a_delay_that_is_known_is_taken_as_it_is() -> None:
    outcome = decide(RetryLaterError("busy", delay_s=7.5), DeliveryCounts(), now=NOW)
    assert isinstance(outcome, Redeliver)
    assert outcome.delay_s == 7.5


def test_delays_grow_with_jitter_up_to_a_limit() -> None:
    for tries in range(1, 30):
        middle = min(BACKOFF_S_MAX, 0.5 * 2 ** (tries - 1))
        delays = [backoff_s(tries) for _ in range(50)]
        assert all(middle / 2 <= delay <= middle * 1.5 for delay in delays)
        assert len(set(delays)) > 40


def test_a_long_text_is_cut_for_it_goes_into_a_header() -> None:
    outcome = decide(PermanentError("r", "x" * 10_000), DeliveryCounts())
    assert isinstance(outcome, Reject)
    assert len(outcome.text) <= 500


@pytest.mark.parametrize(
    ("counts", "deliveries", "crashes"),
    [
        (DeliveryCounts(), 1, 0),
        (DeliveryCounts(), 4, 3),
        (DeliveryCounts(failures=1, returned=2), 4, 0),
        (DeliveryCounts(failures=1, returned=2), 6, 2),
        (DeliveryCounts(failures=9, returned=9), 2, 0),
    ],
)
def test_worker_crashes_are_the_deliveries_that_were_not_returned(
    counts: DeliveryCounts, deliveries: int, crashes: int
) -> None:
    assert counts.worker_crashes(deliveries) == crashes


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        nats.js.errors.APIError(code=409, err_code=10158, description="duplicate id in process"),
        nats.js.errors.APIError(code=400, err_code=10071, description="wrong last sequence"),
        nats.js.errors.ServerError(code=500, err_code=10047, description="insufficient storage"),
        nats.js.errors.NoStreamResponseError(),
    ],
    ids=repr,
)
def test_an_error_of_the_broker_is_no_failure_of_the_message(error: Exception) -> None:
    outcome = decide(error, DeliveryCounts())
    assert isinstance(outcome, Redeliver)
    assert outcome.counts == DeliveryCounts(returned=1)


def test_a_missing_key_is_a_bug_although_its_error_has_no_code() -> None:
    outcome = decide(nats.js.errors.KeyNotFoundError(), DeliveryCounts())
    assert isinstance(outcome, Reject)
    assert outcome.reason == "bug"


def test_a_wrong_setting_says_what_is_wrong_and_what_to_do() -> None:
    assert str(ConfigurationError("the cap is missing", "Set it")) == "the cap is missing. Set it"
