"""What the synthesizer takes from its stream."""

from __future__ import annotations

from collections.abc import Mapping

from daydream_shared.messages import HypothesisProposed, Message, PairSampled
from daydream_shared.runtime import Handler
from daydream_synthesizer.synthesis import Synthesizer


def handlers(synthesizer: Synthesizer) -> Mapping[type[Message], Handler]:
    """The synthesizer's consumer."""

    async def pair_sampled(pair: PairSampled) -> list[HypothesisProposed]:
        """Harmless twice: the answer is stored under an id made from the pair, so the second time costs nothing."""
        return await synthesizer.propose(pair)

    return {PairSampled: pair_sampled}
