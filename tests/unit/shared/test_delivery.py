"""Whose reservation a message's bytes belong to, and how a refusal reaches the middleware."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daydream_contracts.errors import PermanentError, RetryLaterError
from daydream_contracts.events import (
    HypothesisProposed,
    InsightPromoted,
    PairSampled,
    VerdictReached,
)
from daydream_contracts.rpc import Refusal
from daydream_contracts.topology import route_of
from daydream_models.budget_client import WAIT_S_WITHOUT_TIME, refused
from daydream_runtime.middleware import payer_of


def test_the_payer_is_read_from_the_bytes_of_every_message_that_is_paid_for(
    pair: PairSampled, proposed: HypothesisProposed, verdict: VerdictReached
) -> None:
    for message in (pair, proposed, verdict):
        assert (
            payer_of(route_of(type(message)).subject, message.model_dump_json().encode())
            == message.payer
        )


def test_a_message_that_nobody_pays_for_has_no_payer(insight: InsightPromoted) -> None:
    assert payer_of(route_of(InsightPromoted).subject, insight.model_dump_json().encode()) is None


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\xff\xfe", b"[]", b'{"version": 2}'])
def test_bytes_that_can_not_be_read_have_no_payer(body: bytes) -> None:
    assert payer_of(route_of(PairSampled).subject, body) is None


def test_a_subject_that_is_not_in_the_table_has_no_payer(pair: PairSampled) -> None:
    assert payer_of("daydream.something.else", pair.model_dump_json().encode()) is None


@pytest.mark.parametrize("reason", ["released", "too-old", "unknown-reservation"])
def test_an_reservation_that_can_not_pay_any_more_ends_the_message(reason: str) -> None:
    failure = refused(Refusal.model_validate({"reason": reason, "text": "no"}))
    assert isinstance(failure, PermanentError)
    assert failure.reason == reason


@pytest.mark.parametrize("reason", ["cap", "no-cap", "reservation"])
def test_a_refusal_that_may_end_makes_the_message_wait_until_then(reason: str) -> None:
    at = datetime(2026, 6, 2, tzinfo=UTC)
    failure = refused(Refusal.model_validate({"reason": reason, "text": "no", "retry_at": at}))
    assert isinstance(failure, RetryLaterError)
    assert (failure.until, failure.delay_s) == (at, None)
    failure = refused(Refusal.model_validate({"reason": reason, "text": "no"}))
    assert isinstance(failure, RetryLaterError)
    assert (failure.until, failure.delay_s) == (None, WAIT_S_WITHOUT_TIME)
