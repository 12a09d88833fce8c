"""The interface of a strategy: for an anchor and its possible partners, return a weight for each.

A proposal has two steps, and the probability of each can be computed: an anchor, in an order that
the strategy names, and a partner among the anchor's nearest facts and some facts at random. So the
probability of every proposal is known exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import FactKind

Weights = NDArray[np.float64]


class AnchorOrder(StrEnum):
    """The order in which facts become anchors."""

    CYCLE = "cycle"  # every fact once in a random order, then again
    QUESTIONS = "questions"  # the same over the lab's open questions
    ARRIVALS = "arrivals"  # each fact once, when it is new
    DUE = "due"  # no anchors, but whole pairs that the round names


@dataclass(frozen=True)
class FactView:
    """What strategies see of a fact. `draws`: in how many drawn pairs it is."""

    ordinal: int
    source: str
    domain: str
    kind: FactKind
    draws: int = 0


@dataclass(frozen=True)
class Partner(FactView):
    """A fact beside an anchor.

    `closeness`: the cosine of the two, in standard deviations above the median of unrelated facts.
    It means the same for every embedding model. `at_random`: it was chosen at random, and not
    because it is near.
    """

    closeness: float = 0.0
    at_random: bool = False


@dataclass(frozen=True)
class LearnedParams:
    """What a round has learned from the verdicts, drawn from its posterior.

    `coefficients` of the `pair_features`, shape (len(NAMES),), and a correction per region.
    """

    coefficients: Weights = field(default_factory=lambda: np.zeros(0))
    regions: Mapping[str, float] = field(default_factory=dict)


class Strategy(Protocol):
    """A rule to draw by. Packages add theirs by the entry point group `daydream.strategies`."""

    @property
    def name(self) -> str:
        """The name in `PairSampled.strategy` and in DAYDREAM_SAMPLER_STRATEGIES."""

    @property
    def order(self) -> AnchorOrder:
        """The order in which it takes anchors."""

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        """Return weights ≥ 0 of the partners, shape (len(partners),).

        All zero: this anchor has no partner. The same arguments must give the same weights.
        """
