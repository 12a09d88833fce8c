"""Whose reservation the bytes of a dead letter belong to."""

from __future__ import annotations

import pytest

from daydream_contracts.events import (
    HypothesisProposed,
    InsightPromoted,
    PairSampled,
    VerdictReached,
)
from daydream_contracts.topology import route_of
from daydream_runtime.middleware import read_event


def test_the_payer_is_read_from_the_bytes_of_every_message_that_is_paid_for(
    pair: PairSampled, proposed: HypothesisProposed, verdict: VerdictReached
) -> None:
    for message in (pair, proposed, verdict):
        event = read_event(route_of(type(message)).subject, message.model_dump_json().encode())
        assert event is not None
        assert event.payer == message.payer is not None


def test_a_message_that_nobody_pays_for_has_no_payer(insight: InsightPromoted) -> None:
    event = read_event(route_of(InsightPromoted).subject, insight.model_dump_json().encode())
    assert event == insight
    assert insight.payer is None


@pytest.mark.parametrize("body", [b"", b"{}", b"not json", b"\xff\xfe", b"[]", b'{"version": 2}'])
def test_bytes_that_can_not_be_read_are_no_event(body: bytes) -> None:
    assert read_event(route_of(PairSampled).subject, body) is None


def test_a_subject_that_is_not_in_the_table_has_no_event(pair: PairSampled) -> None:
    assert read_event("daydream.something.else", pair.model_dump_json().encode()) is None
