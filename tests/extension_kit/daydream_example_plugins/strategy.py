"""A strategy: take partners from other domains only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Strategy,
    Weights,
)


class CrossDomain(Strategy):
    """Take each fact as the anchor in turn. All facts of other domains are equally likely."""

    name = "cross-domain"
    order = AnchorOrder.CYCLE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        """Return 1 for each partner of another domain, and 0 for the others."""
        return np.array([partner.domain != anchor.domain for partner in partners], float)
