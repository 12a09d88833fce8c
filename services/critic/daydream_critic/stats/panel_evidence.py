"""What a posterior of the judges rests on: their values, with and without the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledValues:
    """Values of the judges, shape (n, judges), NaN for one not asked, and the truth, shape (n,).

    `again`: values of second calls, of the same shape, or None without any.
    """

    values: Array
    truth: Bools
    again: Array | None = None

    @property
    def counts(self) -> tuple[int, int]:
        """Return how many hits and how many misses there are."""
        hits = int(self.truth.sum())
        return hits, len(self.truth) - hits

    @classmethod
    def none(cls, judges: int) -> LabelledValues:
        """Return no labels."""
        return cls(np.zeros((0, judges)), np.zeros(0, bool))


@dataclass(frozen=True)
class PanelEvidence:
    """All that tells about judges: `unlabelled` values, shape (n, judges), and three kinds of
    labels.
    """

    unlabelled: Array
    canaries: LabelledValues
    reviews: LabelledValues
    outcomes: LabelledValues

    @classmethod
    def of(
        cls,
        unlabelled: Array,
        canaries: LabelledValues | None = None,
        reviews: LabelledValues | None = None,
        outcomes: LabelledValues | None = None,
    ) -> PanelEvidence:
        """Return the evidence; kinds that are left out have no labels."""
        none = LabelledValues.none(unlabelled.shape[1])
        return cls(unlabelled, canaries or none, reviews or none, outcomes or none)

    @property
    def judges(self) -> int:
        """Return the number of judges."""
        return int(self.unlabelled.shape[1])
