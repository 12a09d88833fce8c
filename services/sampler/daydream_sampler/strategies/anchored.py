"""Look for facts that are close to the lab's own open questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daydream_contracts.events import FactKind
from daydream_sampler.strategies.importance import Importance
from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Weights,
)


@dataclass(frozen=True)
class Anchored(Importance):
    """Take the lab's open questions as anchors. A question is no partner of another question."""

    name: str = "anchored"
    order: AnchorOrder = AnchorOrder.QUESTIONS

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        wanted = [partner.kind is not FactKind.QUESTION for partner in partners]
        return self._softmax_of(partners, wanted)
