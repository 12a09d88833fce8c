"""Messages and facts for tests, made by the real models."""

from __future__ import annotations

from datetime import UTC, datetime

from daydream_contracts.events import (
    Decision,
    Fact,
    HypothesisProposed,
    LinkKind,
    PairSampled,
    Synthesis,
    VerdictReached,
    derive_id,
    hypothesis_id_of,
    pair_id_of,
    verdict_id_of,
)
from daydream_sampler.claim import Claim
from daydream_sampler.pair_numbers import ordinals_of

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def fact(number: int, text: str = "") -> Fact:
    return Fact(
        fact_id=derive_id("fact", number),
        ordinal=number,
        text=text or f"Fact number {number} says something about the world.",
        title=f"Fact {number}",
    )


def pair(number: int = 0, *, samples: int = 1) -> PairSampled:
    first, second = fact(2 * number), fact(2 * number + 1)
    pair_id = pair_id_of(1, first.fact_id, second.fact_id)
    return PairSampled(
        pair_id=pair_id,
        epoch=1,
        first=first,
        second=second,
        strategy="uniform",
        draw_probability=0.01,
        similarity=0.1,
        samples=samples,
        reservation_id=derive_id("reservation", pair_id),
        drawn_at=AT,
    )


SYNTHESIS = Synthesis(
    title="Queues and rivers",
    link=LinkKind.ANALOGY,
    reasoning="Both carry something through a narrow place.",
    hypothesis="A river that meanders delays its flood the way a queue with several counters "
    "delays its crowd.",
    implication="Straightened rivers should show sharper flood peaks downstream than "
    "meandering ones.",
)


def hypothesis(number: int = 0, synthesis: Synthesis | None = SYNTHESIS) -> HypothesisProposed:
    of = pair(number)
    return HypothesisProposed(
        hypothesis_id=hypothesis_id_of(of.pair_id, "digest", 0),
        pair=of,
        sample=0,
        synthesis=synthesis,
        proposed_at=AT,
    )


def verdict_on(claim: Claim, *, promoted: bool) -> VerdictReached:
    """The verdict that ends a draw's daydream. Each costs the same."""
    assert claim.number is not None
    pair_id = pair_id_of(1, *map(str, ordinals_of(claim.number)))
    drawn = pair().model_copy(
        update={
            "pair_id": pair_id,
            "strategy": claim.strategy,
            "draw_probability": claim.probability,
            "shares": claim.shares,
            "proposed": claim.proposed,
            "features": claim.features,
        }
    )
    hypothesis_id = hypothesis_id_of(pair_id, "digest", 0)
    return VerdictReached(
        verdict_id=verdict_id_of(hypothesis_id, "judge", 1),
        hypothesis=HypothesisProposed(
            hypothesis_id=hypothesis_id, pair=drawn, sample=0, synthesis=None, proposed_at=AT
        ),
        role="judge",
        round=1,
        decision=Decision.PROMOTED if promoted else Decision.DISCARDED,
        reason="score",
        explanation="",
        final=True,
        cost_nanousd=1000,
        reached_at=AT,
    )
