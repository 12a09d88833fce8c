"""Close in meaning, far in origin: where the bridges that people found are known to be.

The weight of a partner from another source is exp(closeness ÷ temperature): the softmax over an
anchor's neighbours. On the known pairs of MOOSE-Chem (`make bench-sampler`) a temperature of 0.15
found the most while it still drew other pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Weights,
)
from daydream_sampler.strategies.softmax import softmax

TEMPERATURE = 0.15  # in standard deviations of unrelated cosines


@dataclass(frozen=True)
class Importance:
    """Take any fact as the anchor, and close facts from other sources as partners."""

    name: str = "importance"
    order: AnchorOrder = AnchorOrder.CYCLE
    temperature: float = TEMPERATURE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        return self._softmax_of(partners, [anchor.source != other.source for other in partners])

    def _softmax_of(self, partners: Sequence[Partner], wanted: Sequence[bool]) -> Weights:
        exponents = [
            partner.closeness / self.temperature if is_wanted else -np.inf
            for partner, is_wanted in zip(partners, wanted, strict=True)
        ]
        return softmax(np.array(exponents))
