"""What a strategy is: for an anchor and the partners it could have, how much it wants each.

A proposal has two steps that can be computed: an anchor, in an order that the strategy names, and a partner among the anchor's
nearest facts and some facts by chance. So the probability of every proposal is known exactly.
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
    """In which order facts become anchors."""

    CYCLE = "cycle"  # every fact once in a random order, then again: so each time one of those that were not seen for longest
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
    """A fact beside an anchor. `closeness`: the cosine of the two, in standard deviations above the median of unrelated facts, which
    means the same for every embedding model. `by_chance`: it is here by lot and not because it is near."""

    closeness: float = 0.0
    by_chance: bool = False


@dataclass(frozen=True)
class LearnedParams:
    """What a round has learned from the verdicts, drawn from its posterior: `coefficients` of `features`, shape (len(features.NAMES),), and the
    corrections of `regions` to what they expect."""

    coefficients: Weights = field(default_factory=lambda: np.zeros(0))
    regions: Mapping[str, float] = field(default_factory=dict)


class Strategy(Protocol):
    """One way to draw. A package offers its own under the entry point group `daydream.strategies`."""

    @property
    def name(self) -> str:
        """As it stands in `PairSampled.strategy`."""

    @property
    def order(self) -> AnchorOrder:
        """How it takes its anchors."""

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], lesson: LearnedParams
    ) -> Weights:
        """Weights ≥ 0 of the partners, shape (len(partners),); all 0: this anchor has no partner. The same arguments give the same weights."""
