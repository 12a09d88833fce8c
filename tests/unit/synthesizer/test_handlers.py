"""The synthesizer's real application in memory: handlers, endpoint and document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from faststream.nats import TestNatsBroker

from daydream_contracts.events import HypothesisProposed, PairSampled
from daydream_contracts.rpc import EmptyRequest, SynthesizerState
from daydream_contracts.topology import SYNTHESIZER_STATE, route_of
from daydream_runtime.application import ServiceApp
from daydream_synthesizer.app import build
from daydream_synthesizer.settings import SynthesizerSettings

PAIRS, HYPOTHESES = route_of(PairSampled), route_of(HypothesisProposed)


class FakeSynthesizer:
    """Proposes what it is given."""

    def __init__(self, *hypotheses: HypothesisProposed) -> None:
        self.hypotheses = hypotheses
        self.pairs: list[PairSampled] = []

    async def propose(self, pair: PairSampled) -> Sequence[HypothesisProposed]:
        self.pairs.append(pair)
        return self.hypotheses


class FakeSynthesizerReport:
    async def state(self) -> SynthesizerState:
        return SynthesizerState(writers=(), examples=3)


@pytest.fixture
def app() -> ServiceApp:
    app = build(SynthesizerSettings(concurrency=1))
    app.context.set_global("report", FakeSynthesizerReport())
    return app


async def test_a_pair_becomes_one_hypothesis_per_sample(
    app: ServiceApp, pair: PairSampled, proposed: HypothesisProposed
) -> None:
    second = proposed.model_copy(update={"hypothesis_id": "second", "sample": 1})
    app.context.set_global("synthesizer", synthesizer := FakeSynthesizer(proposed, second))
    async with TestNatsBroker(app.nats) as broker:
        (publisher,) = broker.publishers
        await broker.publish(pair, PAIRS.subject, stream=PAIRS.stream)
        published = [call.args[0] for call in publisher.mock.call_args_list]
    assert synthesizer.pairs == [pair]
    assert [HypothesisProposed.model_validate(event) for event in published] == [proposed, second]


async def test_the_endpoint_answers_with_a_model(app: ServiceApp) -> None:
    async with TestNatsBroker(app.nats) as broker:
        reply = await broker.request(EmptyRequest(), SYNTHESIZER_STATE.subject)
    assert SynthesizerState.model_validate_json(reply.body).examples == 3


async def test_a_forgotten_collaborator_is_a_lookup_error_and_not_an_invalid_message(
    app: ServiceApp, pair: PairSampled
) -> None:
    async with TestNatsBroker(app.nats) as broker:
        with pytest.raises(LookupError, match="synthesizer"):
            await broker.publish(pair, PAIRS.subject, stream=PAIRS.stream)


def test_a_synthesizer_that_is_off_takes_no_pairs() -> None:
    app = build(SynthesizerSettings(enabled=False))
    subscribers: list[Any] = app.nats.subscribers
    subjects = [subscriber.subject.template for subscriber in subscribers]
    assert subjects == [SYNTHESIZER_STATE.subject]
