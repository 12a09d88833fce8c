"""The features of a pair for the learned strategy: numbers of about unit size.

They do not depend on which of the two facts is the anchor.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p

import numpy as np

from daydream_contracts.events import FactKind
from daydream_sampler.strategies.interface import FactView, Partner

NAMES = (
    "intercept",
    "closeness",
    "closeness²",
    "same source",
    "same domain",
    "generated",
    "question",
    "draws",
)
# Before any verdict, closer pairs are expected to bring more: without this the learned strategy
# draws at random until something is promoted. Chosen on the first half of the works of MOOSE-Chem
# and of the benchmark's notes (`make bench-sampler`, `make bench-daydream`).
CLOSENESS_PRIOR = 0.1
PRIOR_MEAN = np.array([CLOSENESS_PRIOR * (name == "closeness") for name in NAMES])


def features(anchor: FactView, partner: Partner) -> tuple[float, ...]:
    """Return the features of the pair, in the order of NAMES."""
    kinds = (anchor.kind, partner.kind)
    closeness = max(-3.0, min(6.0, partner.closeness)) / 3
    return (
        1.0,
        closeness,
        closeness**2,
        float(anchor.source == partner.source),
        float(bool(anchor.domain) and anchor.domain == partner.domain),
        kinds.count(FactKind.INSIGHT) / 2,
        float(FactKind.QUESTION in kinds),
        log1p(anchor.draws + partner.draws) / 3,
    )


def closeness_of(pair_features: Sequence[float]) -> float:
    """Return the closeness that features were made of, within their bounds of −3 to 6."""
    return 3 * pair_features[NAMES.index("closeness")]
