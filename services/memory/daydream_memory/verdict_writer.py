"""A verdict from the stream into memory: kept whatever it says, written back as a fact if it was promoted.

Data: verdict → kept with the vector of its hypothesis (and, if promoted, the insight as a active fact, in one transaction)
→ `InsightPromoted` → the reservation's way is closed, if the verdict is final.
In quarantine a promoted hypothesis waits for a person's word: kept, but no fact, so it can't be drawn.
Everything is idempotent by its ids; the reservation is closed last, so a crash before that comes here again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
    Payer,
    ReviewRecorded,
    Synthesis,
    VerdictReached,
    VisibilityChanged,
    insight_id_of,
)
from daydream_memory.embedding import Embedder
from daydream_memory.store import NewFact, Store, Vector


class VerdictWriter:
    """Keeps verdicts and makes insights of the promoted ones."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        close_reservation: Callable[[Payer], Awaitable[object]],
        *,
        quarantine: bool = False,
        clearances: Clearances | None = None,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._close_reservation = close_reservation
        self._quarantine = quarantine
        self._clearances = clearances or Clearances()

    async def remember(self, verdict: VerdictReached) -> list[InsightPromoted]:
        """Keep a verdict; the insight that it made, if any. What was planted is not kept, and makes none."""
        if verdict.hypothesis.pair.canary:
            if verdict.final and verdict.payer is not None:
                await self._close_reservation(verdict.payer)
            return []
        insight = None if self._quarantine else await self._insight(verdict)
        if insight and verdict.round > 1 and await self._store.facts([insight[0].fact_id]):
            insight = None  # judged anew and promoted once more: it is one already, or people have withdrawn it
        synthesis = verdict.hypothesis.synthesis
        (vector,) = await self._embedder.embed([synthesis.hypothesis]) if synthesis else (None,)
        await self._store.add_verdict(verdict, vector, insight)
        promoted = [await self._promoted(insight[0].fact_id, verdict)] if insight else []
        if verdict.final and verdict.payer is not None:
            await self._close_reservation(verdict.payer)
        return promoted

    async def review(self, review: ReviewRecorded) -> list[InsightPromoted]:
        """Keep a person's word; the insight that it lets out of quarantine, if any."""
        verdict = await self._store.verdict(review.verdict_id)
        if verdict is None:
            raise PermanentError("unknown-verdict", f"nobody knows a verdict {review.verdict_id}")
        insight = await self._insight(verdict, accepted=True) if review.accepted else None
        await self._store.add_review(review, insight)
        return [await self._promoted(insight[0].fact_id, verdict)] if insight else []

    async def stand(self, change: VisibilityChanged) -> list[InsightRetracted | InsightReinstated]:
        """Take facts and what descends from them out of the draws, or back in; the insights that this concerns."""
        known = await self._store.resolve(change.fact_ids)
        if len(known) < len(change.fact_ids):
            raise PermanentError(
                "unknown-fact", f"nobody knows some of the facts {', '.join(change.fact_ids)}"
            )
        ids = [one.fact.fact_id for one in known]
        changed = await (
            self._store.restore(ids, change.changed_at)
            if change.active
            else self._store.withdraw(ids, change.changed_at)
        )
        who, why, at = change.who, change.why, change.changed_at
        out = [
            InsightRetracted(insight_id=fact.fact_id, fact=fact, who=who, why=why, retracted_at=at)
            for fact in changed.out
            if is_insight(fact)
        ]
        back = [
            InsightReinstated(
                insight_id=fact.fact_id, fact=fact, who=who, why=why, reinstated_at=at
            )
            for fact in changed.in_
            if is_insight(fact)
        ]
        return [*out, *back]

    async def _insight(
        self, verdict: VerdictReached, *, accepted: bool = False
    ) -> tuple[NewFact, Vector] | None:
        """The fact that a promoted hypothesis becomes, with the vector of its text; None for others. What a person accepted is promoted, whatever the
        models said."""
        synthesis = verdict.hypothesis.synthesis
        if (
            not (accepted or verdict.decision is Decision.PROMOTED)
            or not verdict.final
            or synthesis is None
        ):
            return None
        new = _insight(verdict, synthesis, self._clearances)
        (vector,) = await self._embedder.embed([new.text])
        return new, vector

    async def _promoted(self, insight_id: str, verdict: VerdictReached) -> InsightPromoted:
        (fact,) = await self._store.facts([insight_id])
        ancestry = tuple(ancestor.fact_id for ancestor in await self._store.ancestors(fact.fact_id))
        return InsightPromoted(
            insight_id=fact.fact_id,
            fact=fact,
            verdict=verdict,
            ancestry=ancestry,
            promoted_at=datetime.now(UTC),
        )


def is_insight(fact: Fact) -> bool:
    """Whether this system made it."""
    return fact.kind is FactKind.INSIGHT


def _insight(verdict: VerdictReached, synthesis: Synthesis, clearances: Clearances) -> NewFact:
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
