"""Partners by lot, for anchors whose turn it is: anti-spaced repetition, and a reservoir over a stream of documents."""

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
    """The long unseen first: the anchor is one of those that were not one for longest, its partner by lot, rarely drawn ones rather."""

    name: str = "unseen"
    order: AnchorOrder = AnchorOrder.CYCLE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], lesson: LearnedParams
    ) -> Weights:
        return np.array([one.by_chance / (1.0 + one.draws) for one in partners])


@dataclass(frozen=True)
class Reservoir:
    """Each new fact once, when it comes, beside one of a fair sample of all that came before it."""

    name: str = "reservoir"
    order: AnchorOrder = AnchorOrder.ARRIVALS

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], lesson: LearnedParams
    ) -> Weights:
        return np.array([float(one.by_chance and one.ordinal < anchor.ordinal) for one in partners])
