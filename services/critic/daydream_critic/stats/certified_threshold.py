"""The promotion threshold that reviews prove: above it, hits have at least a target precision.

It is the lowest score for which the precision of everything above is shown to reach the target.
Scores are tested from the top. At each, an exact binomial test must reject "the precision is below
the target"; the first score that fails ends the search. In this fixed order the probability of
accepting a threshold with a lower precision is at most 1 − `confidence` in all (Bauer, 1991;
Angelopoulos et al., Learn then Test, 2021).

The interval that is stated holds although the threshold was searched for. Where a search stops, its
examples look better than they are, so an interval for one place would be optimistic. Scores are
tested at few places only, each with `GROWTH` times as many examples above it as the one before, and
each has an interval so wide that all of them hold at once with `confidence` (Bonferroni, 1936).

The tail and the interval are written by hand. scipy has both (`binomtest`), but it adds about 110
MB to an image in which nothing else needs it.
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
GROWTH = 1.15


@dataclass(frozen=True)
class CertifiedThreshold:
    """A threshold, and the share of hits among the examples above it with its interval."""

    threshold: float
    share: float
    low: float
    high: float
    examples: int


def certify(
    scores: Array, truth: NDArray[np.bool_], target: float, confidence: float = CONFIDENCE
) -> CertifiedThreshold | None:
    """Return the lowest threshold with a proven precision of `target`.

    Return None if the examples, shape (n,), can't prove one.
    """
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(truth[order])
    places = _places_to_test(ordered, target, confidence)
    each = 1 - (1 - confidence) / max(1, len(places))
    certified = None
    for place in places:
        count, right = place + 1, int(hits[place])
        if at_least(count, right, target) > 1 - confidence:
            break
        low, high = interval(right, count, each)
        certified = CertifiedThreshold(float(ordered[place]), right / count, low, high, count)
    return certified


def _places_to_test(ordered: Array, target: float, confidence: float) -> list[int]:
    """Return the places that are tested, which depend on the scores and not on the truth.

    Each is the last of a run of equal scores. The first has twice as many examples as a test takes
    to pass if all of them were hits.
    """
    count_min = 2 * math.log(1 - confidence) / math.log(target)
    last_of_run = np.append(ordered[1:] < ordered[:-1], len(ordered) > 0)[: len(ordered)]
    places: list[int] = []
    for place in map(int, np.flatnonzero(last_of_run)):
        if place + 1 >= count_min:
            places.append(place)
            count_min = GROWTH * (place + 1)
    return places


def interval(hits: int, count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact two-sided interval of a share (Clopper and Pearson, 1934)."""
    tail = (1 - confidence) / 2
    low = _solve(lambda share: at_least(count, hits, share), tail) if hits else 0.0
    if hits == count:
        return low, 1.0
    return low, 1 - _solve(lambda share: at_least(count, count - hits, share), tail)


def at_least(count: int, hits: int, share: float) -> float:
    """Return the probability of `hits` or more among `count`, each with probability `share`."""
    if hits <= 0:
        return 1.0
    if hits > count or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    if hits <= count * share:
        # The other tail falls from its first term on, so its sum never overflows or starts at 0.
        return 1 - at_least(count, count - hits + 1, 1 - share)
    return _sum_tail(count, hits, share)


def _sum_tail(count: int, hits: int, share: float) -> float:
    log_term = (
        math.lgamma(count + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(count - hits + 1)
        + hits * math.log(share)
        + (count - hits) * math.log1p(-share)
    )
    term, odds, total = math.exp(log_term), share / (1 - share), 0.0
    for successes in range(hits, count + 1):
        total += term
        term *= odds * (count - successes) / (successes + 1)
        if term < 1e-12 * total:
            break
    return min(1.0, total)


def _solve(rising: Callable[[float], float], target: float) -> float:
    """Return where a function that rises from 0 to 1 on [0, 1] reaches `target`."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2
