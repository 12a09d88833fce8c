"""Spaced repetition the other way round: what was not drawn for the longest time comes first."""

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


@dataclass(frozen=True)
class Unseen:
    """Take the anchor that was used longest ago, and a random partner, rarely drawn ones first."""

    name: str = "unseen"
    order: AnchorOrder = AnchorOrder.CYCLE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        return np.array([partner.at_random / (1.0 + partner.draws) for partner in partners])
