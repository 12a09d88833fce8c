"""What the memory takes from streams and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    DocumentOffered,
    DocumentRemoved,
    FactKind,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    NearestMatch,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.rpc import (
    BackedUp,
    BackUp,
    DocumentPage,
    EmptyRequest,
    FindNearest,
    FindNeighbours,
    JudgedPairs,
    JudgedPairsPage,
    ListDocuments,
    ListVerdicts,
    MemoryState,
    NearestMatches,
    Neighbourhoods,
    PairAt,
    PairFound,
    Resolve,
    Resolved,
    RestoreBackup,
    Restored,
    Search,
    SearchHit,
    SearchResults,
    VerdictPage,
)
from daydream_contracts.topology import (
    MEMORY_BACK_UP,
    MEMORY_DOCUMENTS,
    MEMORY_ERASE,
    MEMORY_INSIGHTS,
    MEMORY_JUDGED_PAIRS,
    MEMORY_NEAREST,
    MEMORY_NEIGHBOURHOODS,
    MEMORY_PAIR,
    MEMORY_RESOLVE,
    MEMORY_RESTORE,
    MEMORY_SEARCH,
    MEMORY_STATE,
    Endpoint,
)
from daydream_memory.backups import BackupService
from daydream_memory.embedding import Embedder
from daydream_memory.eraser import Eraser
from daydream_memory.erasure_record import unanswered
from daydream_memory.ingest import Ingester
from daydream_memory.similarity_baseline import SimilarityBaseline
from daydream_memory.store import Store
from daydream_memory.verdict_writer import VerdictWriter
from daydream_runtime.service import Handler

QUESTIONS_MAX = 1000
NEAR_KNOWN = 8


def handlers(ingest: Ingester, remembering: VerdictWriter) -> Mapping[type[Message], Handler]:
    """The memory's consumers."""

    async def document_offered(offer: DocumentOffered) -> list[Message]:
        """Harmless twice: facts and the report have ids made from content."""
        await ingest.read(offer)
        return []

    async def verdict_reached(verdict: VerdictReached) -> list[InsightPromoted]:
        """Harmless twice: verdict, insight and closing have derived ids."""
        return await remembering.remember(verdict)

    async def review_recorded(review: ReviewRecorded) -> list[InsightPromoted]:
        """Harmless twice: review and insight have derived ids."""
        return await remembering.review(review)

    async def standing_changed(
        change: VisibilityChanged,
    ) -> list[InsightRetracted | InsightReinstated]:
        """Harmless twice: who is out stays out, and what is told of it has derived ids."""
        return await remembering.stand(change)

    async def document_removed(removal: DocumentRemoved) -> list[Message]:
        """Harmless twice: what is gone is gone."""
        await ingest.remove(removal)
        return []

    return {
        DocumentOffered: document_offered,
        DocumentRemoved: document_removed,
        VerdictReached: verdict_reached,
        ReviewRecorded: review_recorded,
        VisibilityChanged: standing_changed,
    }


def endpoints(
    store: Store,
    embedder: Embedder,
    measured: SimilarityBaseline,
    erasing: Eraser,
    backups: BackupService | None,
) -> Mapping[Endpoint[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """The memory's answers. Most only read, and the others are harmless twice. `backups`: None where the store has its own means for them."""

    async def state(_: EmptyRequest) -> MemoryState:
        counts = await store.counts()
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
            embedding_model=embedder.model,
            generation=store.generation,
            teams=counts.teams,
            clearances=counts.clearances,
            questions=tuple(await store.questions(QUESTIONS_MAX)),
        )

    async def pair(question: PairAt) -> PairFound:
        first, second = [await store.fact_at(ordinal) for ordinal in question.ordinals]
        if first is None or second is None:
            raise PermanentError(
                "no-such-fact", f"there is no fact with one of the ordinals {question.ordinals}"
            )
        return PairFound(
            first=first[0],
            second=second[0],
            similarity=float(first[1] @ second[1]),
            hidden=first[2] or second[2],
        )

    async def around(question: FindNeighbours) -> Neighbourhoods:
        seen = [
            await store.around(place.ordinal, question.near, place.also)
            for place in question.places
        ]
        missing = [
            place.ordinal
            for place, sights in zip(question.places, seen, strict=True)
            if sights is None
        ]
        if missing:
            raise PermanentError("no-such-fact", f"there is no fact with the ordinal {missing[0]}")
        median, spread = await store.unrelated()
        return Neighbourhoods(
            seen=tuple(tuple(sights or ()) for sights in seen),
            unrelated_median=median,
            unrelated_spread=spread,
        )

    async def nearest(question: FindNearest) -> NearestMatches:
        (vector,) = await embedder.embed([question.text])
        own = await store.vectors(question.own_fact_ids)
        facts = await store.facts(question.own_fact_ids)
        texts, team = (
            {fact.fact_id: fact.text for fact in facts},
            next((fact.team for fact in facts if fact.team), ""),
        )
        close = await store.near(vector, NEAR_KNOWN, without=frozenset(question.own_fact_ids))
        others = [(fact, cosine) for fact, cosine in close if fact.team in ("", team)][
            :1
        ]  # what another team knows is not told
        known = [
            NearestMatch(
                what="insight" if fact.kind is FactKind.INSIGHT else "fact",
                id=fact.fact_id,
                text=fact.text,
                similarity=cosine,
            )
            for fact, cosine in others
        ]
        earlier = await store.nearest_hypothesis(vector, question.own_hypothesis_id, team)
        return NearestMatches(
            own_facts=tuple(
                NearestMatch(
                    what="fact", id=key, text=texts[key], similarity=float(own[key] @ vector)
                )
                for key in own
            ),
            nearest=max(
                [*known, *([earlier] if earlier else [])],
                key=lambda one: one.similarity,
                default=None,
            ),
            unrelated_median=(await store.unrelated())[0],
            embedding_model=embedder.model,
            likeness=measured.likeness,
        )

    async def search(question: Search) -> SearchResults:
        (vector,) = await embedder.embed([question.text])
        found = await store.near(vector, question.limit)
        ancestry = [
            tuple(await store.ancestors(fact.fact_id)) if question.ancestry else ()
            for fact, _ in found
        ]
        return SearchResults(
            hits=tuple(
                SearchHit(fact=fact, similarity=cosine, ancestry=above)
                for (fact, cosine), above in zip(found, ancestry, strict=True)
            )
        )

    async def verdicts(question: ListVerdicts) -> VerdictPage:
        if question.verdict_ids:
            page = [
                found
                for name in question.verdict_ids
                if (found := await store.verdict(name)) is not None
            ]
            total = len(page)
        else:
            page, total = await store.verdicts(question)
            page = [
                unanswered(one) for one in page
            ]  # a page of a hundred has to fit into one message
        reviews, retracted, waiting = await store.said_of([verdict.verdict_id for verdict in page])
        return VerdictPage(
            verdicts=tuple(page),
            total=total,
            reviews=tuple(reviews),
            retracted=tuple(retracted),
            pending_review=tuple(waiting),
        )

    async def judged(question: JudgedPairs) -> JudgedPairsPage:
        pairs, following = await store.judged(question.after, question.limit)
        return JudgedPairsPage(pairs=tuple(pairs), next=following)

    async def resolve(question: Resolve) -> Resolved:
        return Resolved(facts=tuple(await store.resolve(question.names)))

    async def documents(question: ListDocuments) -> DocumentPage:
        return DocumentPage(reports=tuple(await store.reports(question)))

    async def back_up(request: BackUp) -> BackedUp:
        return await _of(backups).back_up(request)

    async def restore(request: RestoreBackup) -> Restored:
        return await _of(backups).restore(request)

    return {
        MEMORY_STATE: state,
        MEMORY_PAIR: pair,
        MEMORY_NEIGHBOURHOODS: around,
        MEMORY_NEAREST: nearest,
        MEMORY_SEARCH: search,
        MEMORY_INSIGHTS: verdicts,
        MEMORY_DOCUMENTS: documents,
        MEMORY_RESOLVE: resolve,
        MEMORY_JUDGED_PAIRS: judged,
        MEMORY_ERASE: erasing.erase,
        MEMORY_BACK_UP: back_up,
        MEMORY_RESTORE: restore,
    }


def _of(backups: BackupService | None) -> BackupService:
    if backups is None:
        raise PermanentError(
            "no-backup-here",
            "this memory lives in Weaviate: use Weaviate's own backups, together with a copy of NATS",
        )
    return backups
