"""How a refusal of the budget service reaches the delivery middleware."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daydream_contracts.errors import PermanentError, RetryLaterError
from daydream_contracts.rpc import Refusal
from daydream_models.budget_client import DEFAULT_WAIT_S, refusal_error


@pytest.mark.parametrize("reason", ["released", "too-old", "unknown-reservation"])
def test_a_reservation_that_can_no_longer_pay_ends_the_message(reason: str) -> None:
    failure = refusal_error(Refusal.model_validate({"reason": reason, "text": "no"}))
    assert isinstance(failure, PermanentError)
    assert failure.reason == reason


@pytest.mark.parametrize("reason", ["cap", "no-cap", "reservation"])
def test_a_refusal_that_may_end_makes_the_message_wait_until_then(reason: str) -> None:
    at = datetime(2026, 6, 2, tzinfo=UTC)
    failure = refusal_error(
        Refusal.model_validate({"reason": reason, "text": "no", "retry_at": at})
    )
    assert isinstance(failure, RetryLaterError)
    assert (failure.until, failure.delay_s) == (at, None)
    failure = refusal_error(Refusal.model_validate({"reason": reason, "text": "no"}))
    assert isinstance(failure, RetryLaterError)
    assert (failure.until, failure.delay_s) == (None, DEFAULT_WAIT_S)
