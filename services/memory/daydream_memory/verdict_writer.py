"""A verdict from the stream into memory: stored in any case, and as a fact if it was promoted.

Data: verdict → stored with the vector of its hypothesis and, if promoted, the insight as an active
fact, in one transaction → `InsightPromoted` → the reservation's branch is released, if the verdict
is final. In quarantine a promoted hypothesis waits for a review: it is stored, but is no fact, so
it cannot be drawn. Everything is idempotent by its ids. The reservation is released last, so a
crash before that leads here again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from daydream_contracts.access import Clearances
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    Decision,
    Fact,
    FactKind,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    OutcomeRecorded,
    Payer,
    ReviewRecorded,
    Synthesis,
    VerdictReached,
    VisibilityChanged,
    insight_id_of,
)
from daydream_memory.embedder import Embedder
from daydream_memory.store import NewFact, NewInsight, Store

Release = Callable[[Payer], Awaitable[object]]


@dataclass(frozen=True)
class VerdictWriter:
    """Store verdicts, reviews and retractions, and create insights of promoted hypotheses."""

    store: Store
    embedder: Embedder
    release: Release
    quarantine: bool = False
    clearances: Clearances = field(default_factory=Clearances)

    async def write_verdict(self, verdict: VerdictReached) -> list[InsightPromoted]:
        """Store a verdict and return the insight that it created, if any.

        Canaries are not stored and create none.
        """
        promoted: list[InsightPromoted] = []
        if not verdict.hypothesis.pair.canary:
            promoted = await self._write_verdict(verdict)
        if verdict.final and verdict.payer is not None:
            await self.release(verdict.payer)
        return promoted

    async def _write_verdict(self, verdict: VerdictReached) -> list[InsightPromoted]:
        insight = None if self.quarantine else await self._insight(verdict)
        if insight and verdict.round > 1 and await self.store.facts.get([insight[0].fact_id]):
            insight = None  # judged and promoted again: it is an insight already, or was retracted
        synthesis = verdict.hypothesis.synthesis
        vector = None
        if synthesis:
            (vector,) = await self.embedder.embed([synthesis.hypothesis])
        await self.store.verdicts.add(verdict, vector, insight)
        return await self._promotions(verdict, insight)

    async def write_review(self, review: ReviewRecorded) -> list[InsightPromoted]:
        """Store a review and return the insight that it releases from quarantine, if any.

        Raise PermanentError for an unknown verdict.
        """
        verdict = await self._known_verdict(review.verdict_id)
        insight = await self._insight(verdict, accepted=True) if review.accepted else None
        await self.store.verdicts.add_review(review, insight)
        return await self._promotions(verdict, insight)

    async def write_outcome(self, outcome: OutcomeRecorded) -> None:
        """Store an outcome. Raise PermanentError for an unknown verdict."""
        await self._known_verdict(outcome.verdict_id)
        await self.store.verdicts.add_outcome(outcome)

    async def _known_verdict(self, verdict_id: str) -> VerdictReached:
        verdict = await self.store.verdicts.get(verdict_id)
        if verdict is None:
            raise PermanentError("unknown-verdict", f"Unknown verdict ID: {verdict_id}")
        return verdict

    async def change_visibility(
        self, change: VisibilityChanged
    ) -> list[InsightRetracted | InsightReinstated]:
        """Retract or reinstate facts and what descends from them, or merge and separate facts.

        Return the events for the insights that this concerns. Raise PermanentError for an unknown
        fact.
        """
        known = await self.store.visibility.resolve(change.fact_ids)
        if len(known) < len(change.fact_ids):
            raise PermanentError(
                "unknown-fact", f"Unknown facts among: {', '.join(change.fact_ids)}"
            )
        fact_ids = [visibility.fact.fact_id for visibility in known]
        store = self.store.visibility
        if change.merged_into:
            decide = store.separate if change.active else store.merge
        else:
            decide = store.reinstate if change.active else store.retract
        changed = await decide(fact_ids, change.changed_at)
        return [*_retracted(changed.hidden, change), *_reinstated(changed.active, change)]

    async def _insight(
        self, verdict: VerdictReached, *, accepted: bool = False
    ) -> NewInsight | None:
        """Return the fact that a promoted hypothesis becomes, and its vector. None for others.

        A hypothesis that a review accepted is promoted, whatever the models decided.
        """
        promoted = accepted or verdict.decision is Decision.PROMOTED
        synthesis = verdict.hypothesis.synthesis
        if not promoted or not verdict.final or synthesis is None:
            return None
        fact = _insight_of(verdict, synthesis, self.clearances)
        (vector,) = await self.embedder.embed([fact.text])
        return fact, vector

    async def _promotions(
        self, verdict: VerdictReached, insight: NewInsight | None
    ) -> list[InsightPromoted]:
        if insight is None:
            return []
        (fact,) = await self.store.facts.get([insight[0].fact_id])
        ancestors = await self.store.facts.ancestors(fact.fact_id)
        return [
            InsightPromoted(
                insight_id=fact.fact_id,
                fact=fact,
                verdict=verdict,
                ancestry=tuple(ancestor.fact_id for ancestor in ancestors),
                promoted_at=datetime.now(UTC),
            )
        ]


def is_insight(fact: Fact) -> bool:
    """Return whether this system created a fact."""
    return fact.kind is FactKind.INSIGHT


def _retracted(facts: Iterable[Fact], change: VisibilityChanged) -> list[InsightRetracted]:
    return [
        InsightRetracted(
            insight_id=fact.fact_id,
            fact=fact,
            who=change.who,
            why=change.why,
            retracted_at=change.changed_at,
        )
        for fact in facts
        if is_insight(fact)
    ]


def _reinstated(facts: Iterable[Fact], change: VisibilityChanged) -> list[InsightReinstated]:
    return [
        InsightReinstated(
            insight_id=fact.fact_id,
            fact=fact,
            who=change.who,
            why=change.why,
            reinstated_at=change.changed_at,
        )
        for fact in facts
        if is_insight(fact)
    ]


def _insight_of(verdict: VerdictReached, synthesis: Synthesis, clearances: Clearances) -> NewFact:
    pair = verdict.hypothesis.pair
    return NewFact(
        fact_id=insight_id_of(verdict.hypothesis.hypothesis_id),
        text=f"{synthesis.hypothesis} {synthesis.implication}".strip(),
        title=synthesis.title,
        source=f"daydream {verdict.verdict_id}",
        domain="insight",
        kind=FactKind.INSIGHT,
        depth=1 + max(pair.first.depth, pair.second.depth),
        parents=(pair.first.fact_id, pair.second.fact_id),
        team=pair.first.team or pair.second.team,
        clearance=clearances.highest((pair.first.clearance, pair.second.clearance)),
    )
