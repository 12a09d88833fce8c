"""What the synthesizer takes from its stream, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daydream_contracts.events import HypothesisProposed, Message, PairSampled
from daydream_contracts.rpc import EmptyRequest, SynthesizerState, WriterState
from daydream_contracts.topology import SYNTHESIZER_STATE, Endpoint
from daydream_runtime.projection import Projector
from daydream_runtime.service import Answer, Handler
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import Synthesizer
from daydream_synthesizer.writer_history import WriterHistory, shares


def handlers(synthesizer: Synthesizer) -> Mapping[type[Message], Handler]:
    """The synthesizer's consumer."""

    async def pair_sampled(pair: PairSampled) -> list[HypothesisProposed]:
        """Harmless twice: the answer is stored under an id made from the pair, so the second time costs nothing."""
        return await synthesizer.propose(pair)

    return {PairSampled: pair_sampled}


def endpoints(
    following: Projector[WriterHistory], writers: Sequence[str], settings: SynthesizerSettings
) -> Mapping[Endpoint[Any, Any], Answer]:
    """It only reads."""

    async def synthesizer_state(_: EmptyRequest) -> SynthesizerState:
        await following.catch_up()
        share = shares(writers, following.fold, floor=settings.writer_floor)
        states = [
            WriterState(model=name, share=share[name], **following.fold.of(name).model_dump())
            for name in writers
        ]
        return SynthesizerState(writers=tuple(states), examples=settings.examples)

    return {SYNTHESIZER_STATE: synthesizer_state}
