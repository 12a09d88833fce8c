"""How well judges tell bridges from decoys, and whether that contradicts what they agree on.

The measure is the probability that a bridge gets a higher score than a decoy (the area under the
ROC curve; ties count half). Its standard error is that of Hanley and McNeil (1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daydream_critic.stats.agreement import consensus_weights, pairwise_correlations
from daydream_critic.stats.score_ranks import HISTORY_MIN

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Z95 = 1.96
CHANCE = 0.5


@dataclass(frozen=True)
class Skill:
    """The share of (bridge, decoy) pairs in which the bridge scored higher, with its interval."""

    share: float
    low: float
    high: float
    bridges: int
    decoys: int

    @property
    def is_shown(self) -> bool:
        """Return whether it is better than chance beyond doubt."""
        return self.low > CHANCE

    def sentence(self, judge: str) -> str:
        """Return for people what a judge without skill means."""
        return (
            f"{judge} can't tell bridges from decoys: the bridge scored higher in"
            f" {self.share:.0%} of the pairs (95 %: {self.low:.0%} to {self.high:.0%};"
            " chance is 50%). Its verdicts carry little information."
        )


def skill_of(scores: Array, bridges: Bools) -> Skill | None:
    """Return the skill shown by scores, shape (n,), or None without canaries of both kinds."""
    hits, misses = scores[bridges], scores[~bridges]
    if not len(hits) or not len(misses):
        return None
    above = (hits[:, np.newaxis] > misses) + 0.5 * (hits[:, np.newaxis] == misses)
    share = float(above.mean())
    error = _error(share, len(hits), len(misses))
    return Skill(
        share,
        max(0.0, share - Z95 * error),
        min(1.0, share + Z95 * error),
        len(hits),
        len(misses),
    )


def _error(share: float, hits: int, misses: int) -> float:
    both_hits, both_misses = share / (2 - share), 2 * share**2 / (1 + share)
    variance = (
        share * (1 - share)
        + (hits - 1) * (both_hits - share**2)
        + (misses - 1) * (both_misses - share**2)
    ) / (hits * misses)
    # With no wrong pair the formula gives 0; half a wrong pair is added.
    lowest = (0.5 / (hits * misses)) ** 0.5
    return float(max(max(variance, 0.0) ** 0.5, lowest))


def contradiction_of(
    names: Sequence[str], rows: Array, canaries: Array, bridges: Bools
) -> str | None:
    """Return a sentence if canaries contradict what the judges agree on, else None.

    `rows` are values of hypotheses, NaN where a judge was not asked: a measured panel asks all of
    them about few. `canaries` are values of canaries that all scored. Each has shape (n, judges),
    and both show which judges agree: the labels of the canaries play no part in that. Canaries
    contradict the consensus if the opinion of the agreeing judges orders them worse than chance,
    or if the judge that agrees most with the others orders them worse than the one that agrees
    with them hardly at all.
    """
    judges = len(names)
    if judges < 2 or len(rows) + len(canaries) < HISTORY_MIN:
        return None
    weights = consensus_weights(pairwise_correlations(judges, [rows, canaries]))
    together = skill_of(canaries @ weights, bridges)
    if together is None:
        return None
    if together.high < CHANCE:
        return (
            "canaries contradict the judges' consensus: what they agree on puts the bridge above"
            f" the decoy in only {together.share:.0%} of the pairs"
            f" (95 %: {together.low:.0%} to {together.high:.0%})"
        )
    agreeing, differing = int(np.argmax(weights)), int(np.argmin(weights))
    trusted, doubted = (skill_of(canaries[:, judge], bridges) for judge in (agreeing, differing))
    if trusted is None or doubted is None or trusted.high >= doubted.low:
        return None
    return (
        f"canaries contradict the judges' consensus: {names[agreeing]}, which agrees most with the"
        f" others, puts the bridge first in {trusted.share:.0%} of the pairs, and"
        f" {names[differing]}, which agrees hardly with them, in {doubted.share:.0%}"
    )
