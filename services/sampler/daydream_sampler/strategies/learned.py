"""Where verdicts say that the good pairs lie: partners by what a linear model, drawn from its posterior for this round, expects of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_sampler.features import features
from daydream_sampler.regions import region_of
from daydream_sampler.strategies.importance import softmax
from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Weights,
)

TEMPERATURE = 0.1  # in standard deviations of what is expected of an anchor's partners


@dataclass(frozen=True)
class Learned:
    """Any fact as the anchor; the weight of a partner is exp(expected yield ÷ temperature), in standard deviations."""

    name: str = "learned"
    order: AnchorOrder = AnchorOrder.CYCLE
    temperature: float = TEMPERATURE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], lesson: LearnedParams
    ) -> Weights:
        if not partners:
            return np.zeros(0)
        expected = np.array([features(anchor, one) for one in partners]) @ lesson.coefficients
        corrections = [
            lesson.regions.get(region_of(anchor.domain, one.domain, one.closeness), 0.0)
            for one in partners
        ]
        return by_expectation(expected + np.array(corrections), self.temperature)


def by_expectation(expected: Weights, temperature: float = TEMPERATURE) -> Weights:
    """Weights of what so much is expected of; equal ones when nothing sets them apart."""
    spread = float(np.std(expected))
    return softmax(expected / (spread * temperature)) if spread > 0 else np.ones(len(expected))
