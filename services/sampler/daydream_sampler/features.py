"""What the learned strategy knows of a pair: numbers of about unit size that do not depend on which of the two is the anchor."""

from __future__ import annotations

from collections.abc import Sequence
from math import log1p

from daydream_contracts.events import FactKind
from daydream_sampler.strategies.interface import FactView, Partner

NAMES = (
    "intercept",
    "closeness",
    "closeness²",
    "same source",
    "same domain",
    "machine-made",
    "question",
    "draws",
)


def features(anchor: FactView, partner: Partner) -> tuple[float, ...]:
    """The features of the pair, in the order of NAMES."""
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


def closeness_of(known: Sequence[float]) -> float:
    """The closeness that features were made of, within their bounds."""
    return 3 * known[NAMES.index("closeness")]
