"""Answers about facts, verdicts and documents. All of them only read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import (
    DocumentPage,
    FindNeighbours,
    FindPairs,
    JudgedPairs,
    JudgedPairsPage,
    ListDocuments,
    ListVerdicts,
    MemoryState,
    Neighbourhoods,
    PairFound,
    PairsFound,
    Resolve,
    Resolved,
    VerdictPage,
)
from daydream_memory.erasure_record import without_answers
from daydream_memory.store import Store, StoredFact

QUESTIONS_MAX = 1000


@dataclass(frozen=True)
class MemoryQueries:
    """Read from a store. `embedding_model` names the model that answers requests."""

    store: Store
    embedding_model: str

    async def state(self) -> MemoryState:
        """Return how much the memory holds."""
        counts = await self.store.maintenance.counts()
        return MemoryState(
            facts=counts.facts,
            facts_pending=counts.facts_pending,
            documents=counts.documents,
            verdicts=counts.verdicts,
            daydreams_judged=counts.judged,
            decisions=counts.decisions,
            insights=counts.insights,
            quarantined=counts.quarantined,
            hidden=counts.hidden,
            embedding_model=self.embedding_model,
            generation=self.store.maintenance.generation,
            teams=counts.teams,
            clearances=counts.clearances,
            same_document_pairs=counts.same_document_pairs,
            questions=tuple(await self.store.facts.questions(QUESTIONS_MAX)),
        )

    async def pairs(self, request: FindPairs) -> PairsFound:
        """Return the facts of pairs by their ordinals."""
        ordinals = {ordinal for pair in request.pairs for ordinal in pair}
        facts = {ordinal: await self.store.facts.fact_at(ordinal) for ordinal in ordinals}
        pairs = [_pair_of(facts[first], facts[second]) for first, second in request.pairs]
        return PairsFound(pairs=tuple(pairs))

    async def neighbourhoods(self, request: FindNeighbours) -> Neighbourhoods:
        """Return the neighbours of facts. Raise PermanentError for an unknown fact."""
        neighbourhoods = []
        for query in request.queries:
            neighbours = await self.store.facts.neighbours(query.ordinal, request.near, query.also)
            if neighbours is None:
                raise PermanentError("no-such-fact", f"No fact at ordinal {query.ordinal}")
            neighbourhoods.append(tuple(neighbours))
        median, spread = await self.store.facts.random_similarity()
        return Neighbourhoods(
            neighbourhoods=tuple(neighbourhoods), unrelated_median=median, unrelated_spread=spread
        )

    async def verdicts(self, request: ListVerdicts) -> VerdictPage:
        """Return a page of verdicts, or the ones named."""
        if request.verdict_ids:
            page = await self._named(request.verdict_ids)
            total = len(page)
        else:
            page, total = await self.store.verdicts.page(request)
            # a page of a hundred must fit into one message
            page = [without_answers(verdict) for verdict in page]
        verdict_ids = [verdict.verdict_id for verdict in page]
        status = await self.store.verdicts.review_status(verdict_ids)
        return VerdictPage(
            verdicts=tuple(page),
            total=total,
            reviews=status.reviews,
            outcomes=status.outcomes,
            retracted=status.hidden,
            pending_review=status.pending,
        )

    async def _named(self, verdict_ids: Sequence[str]) -> list[VerdictReached]:
        verdicts = [await self.store.verdicts.get(verdict_id) for verdict_id in verdict_ids]
        return [verdict for verdict in verdicts if verdict is not None]

    async def judged_pairs(self, request: JudgedPairs) -> JudgedPairsPage:
        """Return a page of the pairs that have a verdict."""
        pairs, following = await self.store.verdicts.judged_pairs(request.after, request.limit)
        return JudgedPairsPage(pairs=tuple(pairs), next=following)

    async def resolve(self, request: Resolve) -> Resolved:
        """Return the facts with these names, and whether they are hidden."""
        return Resolved(facts=tuple(await self.store.visibility.resolve(request.names)))

    async def documents(self, request: ListDocuments) -> DocumentPage:
        """Return a page of the results of reading documents."""
        return DocumentPage(reports=tuple(await self.store.documents.reports(request)))


def _pair_of(first: StoredFact | None, second: StoredFact | None) -> PairFound | None:
    if first is None or second is None:
        return None
    return PairFound(
        first=first.fact,
        second=second.fact,
        similarity=float(first.vector @ second.vector),
        hidden=first.hidden or second.hidden,
    )
