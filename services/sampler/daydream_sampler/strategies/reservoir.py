"""Join each new document with a fair sample of what came before it."""

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
class Reservoir:
    """Take each new fact once, when it arrives, with one of a fair sample of all earlier facts."""

    name: str = "reservoir"
    order: AnchorOrder = AnchorOrder.ARRIVALS

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        earlier = [partner.at_random and partner.ordinal < anchor.ordinal for partner in partners]
        return np.array(earlier, float)
