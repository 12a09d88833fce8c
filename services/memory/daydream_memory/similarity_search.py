"""Search by meaning: what is similar to a text, and what is nearest to a hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_contracts.events import Fact, FactKind, NearestMatch
from daydream_contracts.rpc import (
    FindNearest,
    NearestMatches,
    RankedVerdict,
    RankedVerdicts,
    RankVerdicts,
    Search,
    SearchHit,
    SearchResults,
)
from daydream_memory.embedder import Embedder
from daydream_memory.similarity_baseline import SimilarityBaseline
from daydream_memory.store import Store, Vector

FACTS_SEARCHED = 8  # the nearest ones; some of them may belong to another team


@dataclass(frozen=True)
class SimilaritySearch:
    """Search a store with an embedding model."""

    store: Store
    embedder: Embedder
    baseline: SimilarityBaseline

    async def search(self, request: Search) -> SearchResults:
        """Return the facts nearest to a text."""
        (vector,) = await self.embedder.embed([request.text])
        facts = await self.store.facts.find_nearest(vector, request.limit)
        hits = [
            SearchHit(
                fact=fact,
                similarity=cosine,
                ancestry=await self._ancestry(fact) if request.ancestry else (),
            )
            for fact, cosine in facts
        ]
        return SearchResults(hits=tuple(hits))

    async def rank(self, request: RankVerdicts) -> RankedVerdicts:
        """Return verdicts by the similarity of their hypotheses to a text."""
        (vector,) = await self.embedder.embed([request.text])
        ranked = await self.store.verdicts.ranked(vector, request.verdict_ids, request.limit)
        return RankedVerdicts(
            verdicts=tuple(
                RankedVerdict(verdict_id=verdict_id, similarity=cosine)
                for verdict_id, cosine in ranked
            )
        )

    async def _ancestry(self, fact: Fact) -> tuple[Fact, ...]:
        return tuple(await self.store.facts.ancestors(fact.fact_id))

    async def nearest(self, request: FindNearest) -> NearestMatches:
        """Return how similar a hypothesis is to its own facts, and its nearest match besides."""
        (vector,) = await self.embedder.embed([request.text])
        own_facts = await self.store.facts.get(request.own_fact_ids)
        team = next((fact.team for fact in own_facts if fact.team), "")
        own = await self._own_matches(own_facts, vector)
        candidates = [
            await self._nearest_fact(vector, frozenset(request.own_fact_ids), team),
            await self.store.verdicts.nearest_hypothesis(vector, request.own_hypothesis_id, team),
        ]
        matches = [match for match in candidates if match is not None]
        median, _ = await self.store.facts.random_similarity()
        return NearestMatches(
            own_facts=own,
            nearest=max(matches, key=lambda match: match.similarity, default=None),
            unrelated_median=median,
            embedding_model=self.embedder.model,
            similarity_baseline=self.baseline.scale,
        )

    async def _own_matches(self, facts: list[Fact], vector: Vector) -> tuple[NearestMatch, ...]:
        vectors = await self.store.facts.vectors([fact.fact_id for fact in facts])
        return tuple(
            NearestMatch(
                kind="fact",
                id=fact.fact_id,
                text=fact.text,
                similarity=float(vectors[fact.fact_id] @ vector),
            )
            for fact in facts
        )

    async def _nearest_fact(
        self, vector: Vector, exclude: frozenset[str], team: str
    ) -> NearestMatch | None:
        """Return the nearest fact that is not another team's: that one is not shown."""
        facts = await self.store.facts.find_nearest(vector, FACTS_SEARCHED, exclude=exclude)
        for fact, cosine in facts:
            if fact.team in ("", team):
                is_insight = fact.kind is FactKind.INSIGHT
                return NearestMatch(
                    kind="insight" if is_insight else "fact",
                    id=fact.fact_id,
                    text=fact.text,
                    similarity=cosine,
                )
        return None
