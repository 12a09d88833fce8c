"""A verdict from the stream into memory: kept whatever it says, written back as a fact if it was promoted.

Data: verdict → kept with the vector of its hypothesis (and, if promoted, the insight as a drawable fact, in one transaction)
→ `InsightPromoted` → the envelope's way is closed, if the verdict is final.
Everything is idempotent by its ids; the envelope is closed last, so a crash before that comes here again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from daydream_shared.messages import Decision, Fact, FactKind, InsightPromoted, Payer, Synthesis, VerdictReached, derive_id

from daydream_memory.embedding import Embedder
from daydream_memory.store import NewFact, Store


class Remembering:
    """Keeps verdicts and makes insights of the promoted ones."""

    def __init__(self, store: Store, embedder: Embedder, close_envelope: Callable[[Payer], Awaitable[object]]) -> None:
        self._store = store
        self._embedder = embedder
        self._close_envelope = close_envelope

    async def remember(self, verdict: VerdictReached) -> list[InsightPromoted]:
        """Keep a verdict; the insight that it made, if any."""
        promoted: list[InsightPromoted] = []
        synthesis = verdict.hypothesis.synthesis
        vector = None
        if synthesis is not None:
            (vector,) = await self._embedder.embed([synthesis.hypothesis])
        insight = None
        if verdict.decision is Decision.PROMOTED and verdict.final and synthesis is not None and vector is not None:
            new = _insight(verdict, synthesis)
            insight = (new, vector)
        await self._store.add_verdict(verdict, vector, insight)
        if insight:
            (fact,) = await self._store.facts([insight[0].fact_id])
            promoted.append(await self._promoted(fact, verdict))
        if verdict.final and verdict.payer is not None:
            await self._close_envelope(verdict.payer)
        return promoted

    async def _promoted(self, fact: Fact, verdict: VerdictReached) -> InsightPromoted:
        ancestry = tuple(ancestor.fact_id for ancestor in await self._store.ancestors(fact.fact_id))
        return InsightPromoted(insight_id=fact.fact_id, fact=fact, verdict=verdict, ancestry=ancestry, promoted_at=datetime.now(UTC))


def _insight(verdict: VerdictReached, synthesis: Synthesis) -> NewFact:
    pair = verdict.hypothesis.pair
    return NewFact(
        fact_id=derive_id("insight", verdict.hypothesis.hypothesis_id),
        text=f"{synthesis.hypothesis} {synthesis.implication}".strip(),
        title=synthesis.title,
        source=f"daydream {verdict.verdict_id}",
        domain="insight",
        kind=FactKind.INSIGHT,
        depth=1 + max(pair.first.depth, pair.second.depth),
        parents=(pair.first.fact_id, pair.second.fact_id),
    )
