"""Pairs that were judged dull, once more: when they are old, when other models think and judge now, or when much that is new lies around them.

Such a pair is drawn in a new epoch of its own, so it has a new id, reservation and verdict. Which pairs are due is found out when a round begins, a few
at a time, and frozen with it: the probability of each is one over how many of them are left.
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

LOOKED_AT = 8  # dull pairs in a round: each takes a question to the memory
NEW_SHARE_MIN = 0.25  # of the facts nearest to one of the two


class DiscardedPair(BaseModel):
    """A pair that was judged dull: in which epoch, when, by which models, and how many facts were known when it was drawn (0: nobody knows)."""

    model_config = ConfigDict(frozen=True)

    number: int
    epoch: int
    at: datetime
    models: tuple[str, ...] = ()
    facts: int = 0


class DuePair(BaseModel):
    """A dull pair that is to be drawn again, in this epoch, and why."""

    model_config = ConfigDict(frozen=True)

    number: int
    epoch: int
    why: str


@dataclass(frozen=True)
class Recheck:
    """Takes no anchors: the round names its pairs."""

    name: str = "recheck"
    order: AnchorOrder = AnchorOrder.DUE

    def weigh(
        self, anchor: FactView, partners: Sequence[Partner], lesson: LearnedParams
    ) -> Weights:
        return np.zeros(len(partners))


def why_due(
    dull: DiscardedPair,
    *,
    now: datetime,
    after: timedelta,
    models: Collection[str],
    neighbours: Sequence[Sequence[int]],
) -> str:
    """Why a pair is due; empty when it is not. `models`: those that think and judge now; `neighbours`: for each of its two facts the ordinals of
    the facts nearest to it. A tenth of `after` must have passed in any case: while a memory fills, everything is new around everything."""
    age = now - dull.at
    if age >= after:
        return "age"
    if age < after / 10:
        return ""
    if (
        models
        and dull.models
        and not any(_same(one, other) for one in dull.models for other in models)
    ):
        return "models"
    new = [
        sum(ordinal >= dull.facts for ordinal in around) / len(around)
        for around in neighbours
        if around
    ]
    return "surroundings" if dull.facts and max(new, default=0.0) >= NEW_SHARE_MIN else ""


def _same(one: str, other: str) -> bool:
    """Servers answer with the full name of a model that is asked for by a shorter one: gpt-5-mini, gpt-5-mini-2026-02-01."""
    return one.startswith(other) or other.startswith(one)
