"""Handlers are registered from the topology table, and described once."""

from __future__ import annotations

from typing import Annotated, Any, cast

import pytest

from daydream_contracts.events import (
    CandidateNominated,
    HypothesisProposed,
    PairSampled,
    VerdictReached,
)
from daydream_contracts.topology import route_of
from daydream_runtime.from_context import FromContext
from daydream_runtime.publisher import EventPublisher
from daydream_runtime.registration import check_names, consumers_of, result_event
from daydream_synthesizer.app import build
from daydream_synthesizer.settings import SynthesizerSettings


async def returns_nothing(pair: PairSampled) -> None: ...


async def returns_one(pair: PairSampled) -> HypothesisProposed:
    raise NotImplementedError


async def may_abstain(pair: PairSampled) -> HypothesisProposed | None: ...


async def returns_either(hypothesis: HypothesisProposed) -> VerdictReached | CandidateNominated:
    raise NotImplementedError


async def returns_several(pair: PairSampled) -> list[HypothesisProposed]:
    raise NotImplementedError


def test_the_event_of_a_handler_is_the_one_that_it_returns() -> None:
    assert result_event(returns_nothing) is None
    assert result_event(returns_one) is HypothesisProposed
    assert result_event(may_abstain) is HypothesisProposed


@pytest.mark.parametrize("handler", [returns_either, returns_several])
def test_a_handler_with_other_results_is_refused(handler: object) -> None:
    """FastStream would send a result to every publisher, and a list as one body."""
    with pytest.raises(TypeError, match="one kind of event"):
        result_event(handler)  # type: ignore[arg-type]


def test_a_collaborator_is_not_named_like_a_field_of_the_message() -> None:
    """FastStream would leave the field out of the AsyncAPI document."""

    async def handler(
        message: PairSampled, plan: Annotated[EventPublisher, FromContext()]
    ) -> None: ...

    with pytest.raises(TypeError, match="plan"):
        check_names(handler, PairSampled)


def test_a_message_that_the_service_does_not_consume_is_refused() -> None:
    (consumer,) = consumers_of("synthesizer", {PairSampled: returns_nothing})
    assert consumer.durable == "synthesizer"
    with pytest.raises(KeyError):
        consumers_of("synthesizer", {VerdictReached: returns_nothing})


def test_a_concurrency_of_n_is_n_subscribers_and_one_channel() -> None:
    app = build(SynthesizerSettings(concurrency=5))
    pairs = route_of(PairSampled).subject
    subjects = [cast(Any, subscriber).subject.template for subscriber in app.nats.subscribers]
    document = app.schema.to_specification().to_jsonable()
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert subjects.count(pairs) == 5
    assert addresses.count(pairs) == 1
