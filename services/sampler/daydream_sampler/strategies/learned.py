"""Draw where verdicts say that good pairs are.

A linear model, drawn from its posterior for each round, says what to expect of each partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_sampler.pair_features import features
from daydream_sampler.regions import region_of
from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Weights,
)
from daydream_sampler.strategies.softmax import softmax

# In standard deviations of what is expected of an anchor's partners. Chosen on SciMuse's ratings.
TEMPERATURE = 0.1


@dataclass(frozen=True)
class Learned:
    """Take any fact as the anchor. A partner's weight is exp(expected yield ÷ temperature)."""

    name: str = "learned"
    order: AnchorOrder = AnchorOrder.CYCLE
    temperature: float = TEMPERATURE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        if not partners:
            return np.zeros(0)
        rows = np.array([features(anchor, partner) for partner in partners])
        corrections = [
            learned.regions.get(region_of(anchor.domain, partner.domain, partner.closeness), 0.0)
            for partner in partners
        ]
        expected = rows @ learned.coefficients + np.array(corrections)
        return weights_of_expected(expected, self.temperature)


def weights_of_expected(expected: Weights, temperature: float = TEMPERATURE) -> Weights:
    """Return weights from expected yields; equal ones when all expect the same."""
    spread = float(np.std(expected))
    return softmax(expected / (spread * temperature)) if spread > 0 else np.ones(len(expected))
