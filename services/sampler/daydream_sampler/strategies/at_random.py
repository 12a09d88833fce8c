"""Partners at random: anti-spaced repetition, and a reservoir over a stream of documents."""

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


@dataclass(frozen=True)
class Reservoir:
    """Take each new fact once, when it arrives, with one of a fair sample of all earlier facts."""

    name: str = "reservoir"
    order: AnchorOrder = AnchorOrder.ARRIVALS

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        earlier = [partner.at_random and partner.ordinal < anchor.ordinal for partner in partners]
        return np.array(earlier, float)
