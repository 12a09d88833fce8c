"""Draw as often from every stratum of pairs: close or far, of one domain or of two.

Uniform draws see close pairs of two domains about never, so they cannot measure them. Here each
stratum that an anchor has partners in gets the same share, and its partners share it equally. So
the floor measures every stratum for the same number of draws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_sampler.strata import stratum_of
from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Weights,
)

STRATIFIED = "stratified"


@dataclass(frozen=True)
class Stratified:
    """Take any fact as the anchor, and a partner of each stratum with the same probability."""

    name: str = STRATIFIED
    order: AnchorOrder = AnchorOrder.CYCLE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        strata = [
            stratum_of(anchor.domain, partner.domain, partner.closeness) for partner in partners
        ]
        sizes = Counter(strata)
        return np.array([1.0 / sizes[stratum] for stratum in strata])
