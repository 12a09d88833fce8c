"""Draw discarded pairs again: when they are old, when other models write and judge now, or when
many new facts are near them.

Such a pair is drawn in its own epoch, so it has a new id, reservation and verdict. When a
round begins, a few discarded pairs are checked and those that are due are frozen with the round.
The probability of each is one over how many of them are left.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from pydantic import BaseModel, ConfigDict

from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Weights,
)

CHECKED_PER_ROUND = 8  # discarded pairs; the memory is asked about all of them at once
NEW_SHARE_MIN = 0.25  # of the facts nearest to one of the two


class DiscardedPair(BaseModel):
    """A pair that was discarded: in which epoch, when and by which models.

    `facts`: how many there were when it was drawn; 0 if unknown.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    epoch: int
    at: datetime
    models: tuple[str, ...] = ()
    facts: int = 0


class DuePair(BaseModel):
    """A discarded pair to draw again, in this epoch, and why."""

    model_config = ConfigDict(frozen=True)

    number: int
    epoch: int
    why: str


@dataclass(frozen=True)
class Recheck:
    """Take no anchors: the round names its pairs."""

    name: str = "recheck"
    order: AnchorOrder = AnchorOrder.DUE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], learned: LearnedParams
    ) -> Weights:
        return np.zeros(len(partners))


def may_be_due(pair: DiscardedPair, *, now: datetime, after: timedelta) -> bool:
    """Return whether it was discarded so long ago that there can be a reason to draw it again.

    A tenth of `after` must have passed in any case: while a memory fills, everything around a fact
    is new.
    """
    return now - pair.at >= after / 10


def why_due(
    pair: DiscardedPair,
    *,
    now: datetime,
    after: timedelta,
    models: Collection[str],
    neighbours: Sequence[Sequence[int]],
) -> str:
    """Return why a pair is due ("age", "models" or "neighbourhood"), or "" when it is not.

    `models`: those that write and judge now. `neighbours`: for each of the two facts, the ordinals
    of its nearest facts.
    """
    age = now - pair.at
    if age >= after:
        return "age"
    if not may_be_due(pair, now=now, after=after):
        return ""
    if models and pair.models and not _share_a_model(pair.models, models):
        return "models"
    new_shares = [
        sum(ordinal >= pair.facts for ordinal in ordinals) / len(ordinals)
        for ordinals in neighbours
        if ordinals
    ]
    has_new_neighbours = pair.facts and max(new_shares, default=0.0) >= NEW_SHARE_MIN
    return "neighbourhood" if has_new_neighbours else ""


def _share_a_model(models: Collection[str], others: Collection[str]) -> bool:
    """Compare by prefix: a server answers for gpt-5-mini with gpt-5-mini-2026-02-01."""
    return any(
        model.startswith(other) or other.startswith(model) for model in models for other in others
    )
