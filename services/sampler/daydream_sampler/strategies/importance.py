"""Close in meaning, far in origin: where the bridges that people found are known to lie.

The weight of a partner from another source is exp(closeness ÷ temperature): the softmax over an anchor's neighbours. On the
planted pairs of MOOSE-Chem (`make bench-sampler`) 0.15 found the most while still drawing others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_contracts.events import FactKind
from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Weights,
)

TEMPERATURE = 0.15  # in standard deviations of unrelated cosines


@dataclass(frozen=True)
class Importance:
    """Any fact as the anchor, its close ones from elsewhere as partners."""

    name: str = "importance"
    order: AnchorOrder = AnchorOrder.CYCLE
    temperature: float = TEMPERATURE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], lesson: LearnedParams
    ) -> Weights:
        return softmax(
            np.array(
                [
                    one.closeness / self.temperature if elsewhere(anchor, one) else -np.inf
                    for one in partners
                ]
            )
        )


@dataclass(frozen=True)
class Anchored(Importance):
    """The lab's open questions as anchors; a question is no partner of another."""

    name: str = "anchored"
    order: AnchorOrder = AnchorOrder.QUESTIONS

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], lesson: LearnedParams
    ) -> Weights:
        answers = [
            one.closeness / self.temperature if one.kind is not FactKind.QUESTION else -np.inf
            for one in partners
        ]
        return softmax(np.array(answers))


def elsewhere(anchor: FactView, partner: FactView) -> bool:
    """Whether the two come from different sources."""
    return anchor.source != partner.source


def softmax(exponents: Weights) -> Weights:
    """exp, scaled so that the highest is 1; zeros where nothing is wanted."""
    highest = np.max(exponents, initial=-np.inf)
    return np.zeros(len(exponents)) if highest == -np.inf else np.exp(exponents - highest)
