"""What the synthesizer takes from its stream, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daydream_shared.following import Following
from daydream_shared.messages import HypothesisProposed, Message, PairSampled
from daydream_shared.requests import Nothing, SynthesizerState, WriterState
from daydream_shared.runtime import Answer, Handler
from daydream_shared.subjects import SYNTHESIZER_STATE, Endpoint
from daydream_synthesizer.mixture import WriterYields, shares
from daydream_synthesizer.settings import Settings
from daydream_synthesizer.synthesis import Synthesizer


def handlers(synthesizer: Synthesizer) -> Mapping[type[Message], Handler]:
    """The synthesizer's consumer."""

    async def pair_sampled(pair: PairSampled) -> list[HypothesisProposed]:
        """Harmless twice: the answer is stored under an id made from the pair, so the second time costs nothing."""
        return await synthesizer.propose(pair)

    return {PairSampled: pair_sampled}


def endpoints(following: Following[WriterYields], writers: Sequence[str], settings: Settings) -> Mapping[Endpoint[Any, Any], Answer]:
    """It only reads."""

    async def synthesizer_state(_: Nothing) -> SynthesizerState:
        await following.catch_up()
        share = shares(writers, following.fold, floor=settings.writer_floor)
        states = [WriterState(model=name, share=share[name], **following.fold.of(name).model_dump()) for name in writers]
        return SynthesizerState(writers=tuple(states), examples=settings.examples)

    return {SYNTHESIZER_STATE: synthesizer_state}
