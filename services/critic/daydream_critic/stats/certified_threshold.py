"""Two thresholds from labelled examples: above the one what is promoted is a hit with a stated precision, below the other hardly anything is.

The threshold of promotion is the lowest score at which the precision of all that lies above it is shown to be at least the target: score by score from the top,
an exact binomial test of "the precision is below the target" must reject, and the first that doesn't ends it. Tested in this fixed order the chance that a
threshold is accepted whose precision is lower is at most 1 − `confidence` in all (Bauer, 1991; Angelopoulos et al., Learn then Test, 2021).
The other threshold is found alike from the bottom: the highest score below which at most `discard_max` are shown to be hits. Between them is what is deferred.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.9
BISECTIONS = 60


@dataclass(frozen=True)
class CertifiedThreshold:
    """A threshold: the share of hits on its side in the examples, an interval for it, and how many examples lie there."""

    threshold: float
    share: float
    low: float
    high: float
    examples: int


def promotes(
    scores: Array, truth: NDArray[np.bool_], target: float, confidence: float = CONFIDENCE
) -> CertifiedThreshold | None:
    """Where promotion begins for a target precision; None where the examples, shape (n,), can't show it."""
    return _last(
        scores,
        truth,
        lambda hits, count: at_least(count, hits, target) <= 1 - confidence,
        confidence,
        math.log(1 - confidence) / math.log(target),
    )


def discards(
    scores: Array, truth: NDArray[np.bool_], discard_max: float, confidence: float = CONFIDENCE
) -> CertifiedThreshold | None:
    """Below what at most a share `discard_max` are hits; None where the examples can't show it."""
    alone = math.log(1 - confidence) / math.log(1 - discard_max)
    found = _last(
        -scores,
        truth,
        lambda hits, count: at_least(count, count - hits, 1 - discard_max) <= 1 - confidence,
        confidence,
        alone,
    )
    return found and CertifiedThreshold(
        -found.threshold, found.share, found.low, found.high, found.examples
    )


def _last(
    scores: Array,
    truth: NDArray[np.bool_],
    shown: Callable[[int, int], bool],
    confidence: float,
    alone: float,
) -> CertifiedThreshold | None:
    """The last threshold from the top, among places where scores change, whose test holds, as did all before it. The first that is tested has so many
    examples that it could hold if all of them were right."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(truth[order])
    found = None
    for at in np.flatnonzero(
        np.append(ordered[1:] < ordered[:-1], len(ordered) > 0)[: len(ordered)]
    ):
        count, right = int(at) + 1, int(hits[at])
        if count < 2 * alone:
            continue
        if not shown(right, count):
            break
        low, high = interval(right, count, confidence)
        found = CertifiedThreshold(float(ordered[at]), right / count, low, high, count)
    return found


def interval(hits: int, count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Of a share, two-sided and exact (Clopper and Pearson, 1934)."""
    tail = (1 - confidence) / 2
    low = _solved(lambda share: at_least(count, hits, share), tail) if hits else 0.0
    high = (
        1 - _solved(lambda share: at_least(count, count - hits, share), tail)
        if hits < count
        else 1.0
    )
    return low, high


def at_least(count: int, hits: int, share: float) -> float:
    """The chance of so many hits or more among `count`, each one with the probability `share`."""
    if hits <= 0:
        return 1.0
    if not 0 < share < 1:
        return float(share >= 1 and hits <= count)
    if hits > count:
        return 0.0
    if (
        hits <= count * share
    ):  # the other tail is the one that falls from its beginning on, which a float can hold
        return 1 - at_least(count, count - hits + 1, 1 - share)
    log = (
        math.lgamma(count + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(count - hits + 1)
        + hits * math.log(share)
        + (count - hits) * math.log1p(-share)
    )
    term, odds, total = math.exp(log), share / (1 - share), 0.0
    for many in range(hits, count + 1):
        total += term
        term *= odds * (count - many) / (many + 1)
        if term < 1e-12 * total:
            break
    return min(1.0, total)


def _solved(rising, wanted: float) -> float:  # type: ignore[no-untyped-def]
    """Where a function that rises from 0 to 1 reaches `wanted`."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return (low + high) / 2
