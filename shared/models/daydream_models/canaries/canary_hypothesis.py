"""Turn a canary into the message that a synthesizer would have sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from daydream_contracts.events import (
    Fact,
    HypothesisProposed,
    PairSampled,
    Synthesis,
    derive_id,
)
from daydream_models.canaries.canary_set import CanaryCase, Kind

CANARY_STRATEGY = "canary"


def canary_hypothesis(
    number: int, kind: Kind, canary: CanaryCase, now: datetime, stages: Iterable[str] = ()
) -> HypothesisProposed:
    """Return the `number`-th canary as a message. Its ids depend on the number alone."""
    pair_id = derive_id("canary", number)
    return _proposed(pair_id, derive_id("reservation", pair_id), kind, canary, now, stages)


def calibration_hypothesis(
    kind: Kind, canary: CanaryCase, reservation_id: str, now: datetime
) -> HypothesisProposed:
    """Return a canary for the calibration of judges. Its ids depend on its texts alone, so an
    answer about it is found again.
    """
    pair_id = derive_id("calibration", kind, canary.model_dump_json())
    return _proposed(pair_id, reservation_id, kind, canary, now)


def _proposed(
    pair_id: str,
    reservation_id: str,
    kind: Kind,
    canary: CanaryCase,
    now: datetime,
    stages: Iterable[str] = (),
) -> HypothesisProposed:
    first, second = (
        Fact(fact_id=derive_id("canary fact", text), ordinal=ordinal, text=text)
        for ordinal, text in enumerate((canary.first, canary.second))
    )
    pair = PairSampled(
        pair_id=pair_id,
        epoch=1,
        first=first,
        second=second,
        strategy=CANARY_STRATEGY,
        canary=kind,
        draw_probability=1.0,
        similarity=0.0,
        samples=1,
        stages=tuple(stages),
        reservation_id=reservation_id,
        drawn_at=now,
    )
    synthesis = Synthesis(
        title=canary.title,
        link=canary.link,
        reasoning=canary.reasoning,
        hypothesis=canary.hypothesis,
        implication=canary.implication,
    )
    return HypothesisProposed(
        hypothesis_id=derive_id("hypothesis", pair_id),
        pair=pair,
        sample=0,
        synthesis=synthesis,
        proposed_at=now,
    )
