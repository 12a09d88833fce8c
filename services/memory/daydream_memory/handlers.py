"""What the memory takes from streams and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from daydream_memory.backups import Backups
from daydream_memory.embedding import Embedder
from daydream_memory.erased import unanswered
from daydream_memory.erasing import Erasing
from daydream_memory.ingest import Ingest
from daydream_memory.likeness import Measured
from daydream_memory.remembering import Remembering
from daydream_memory.store import Store
from daydream_shared.failures import Permanent
from daydream_shared.messages import (
    DocumentOffered,
    DocumentRemoved,
    FactKind,
    InsightPromoted,
    InsightRestored,
    InsightRetracted,
    Known,
    Message,
    ReviewRecorded,
    StandingChanged,
    VerdictReached,
)
from daydream_shared.requests import (
    Around,
    BackedUp,
    BackUp,
    Documents,
    Found,
    Hit,
    Judged,
    JudgedPairs,
    ListDocuments,
    ListVerdicts,
    MemoryState,
    Nearest,
    Neighbours,
    Nothing,
    PairAt,
    PairFound,
    Resolve,
    Resolved,
    RestoreBackup,
    Restored,
    Search,
    Surroundings,
    Verdicts,
)
from daydream_shared.runtime import Handler
from daydream_shared.subjects import (
    MEMORY_AROUND,
    MEMORY_BACK_UP,
    MEMORY_DOCUMENTS,
    MEMORY_ERASE,
    MEMORY_INSIGHTS,
    MEMORY_JUDGED,
    MEMORY_NEAREST,
    MEMORY_PAIR,
    MEMORY_RESOLVE,
    MEMORY_RESTORE,
    MEMORY_SEARCH,
    MEMORY_STATE,
    Endpoint,
)

QUESTIONS_MAX = 1000
NEAR_KNOWN = 8


def handlers(ingest: Ingest, remembering: Remembering) -> Mapping[type[Message], Handler]:
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

    async def standing_changed(change: StandingChanged) -> list[InsightRetracted | InsightRestored]:
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
        StandingChanged: standing_changed,
    }


def endpoints(
    store: Store, embedder: Embedder, measured: Measured, erasing: Erasing, backups: Backups | None
) -> Mapping[Endpoint[Any, Any], Callable[[Any], Awaitable[Any]]]:
    """The memory's answers. Most only read, and the others are harmless twice. `backups`: None where the store has its own means for them."""

    async def state(_: Nothing) -> MemoryState:
        counts = await store.counts()
        return MemoryState(
            facts=counts.facts, facts_pending=counts.facts_pending, documents=counts.documents, verdicts=counts.verdicts,
            daydreams_judged=counts.judged, decisions=counts.decisions, insights=counts.insights,
            quarantined=counts.quarantined, hidden=counts.hidden, embedding_model=embedder.model, generation=store.generation,
            teams=counts.teams, clearances=counts.clearances,
            questions=tuple(await store.questions(QUESTIONS_MAX)),
        )  # fmt: skip

    async def pair(question: PairAt) -> PairFound:
        first, second = [await store.fact_at(ordinal) for ordinal in question.ordinals]
        if first is None or second is None:
            raise Permanent("no-such-fact", f"there is no fact with one of the ordinals {question.ordinals}")
        return PairFound(first=first[0], second=second[0], similarity=float(first[1] @ second[1]), hidden=first[2] or second[2])

    async def around(question: Around) -> Surroundings:
        seen = [await store.around(place.ordinal, question.near, place.also) for place in question.places]
        missing = [place.ordinal for place, sights in zip(question.places, seen, strict=True) if sights is None]
        if missing:
            raise Permanent("no-such-fact", f"there is no fact with the ordinal {missing[0]}")
        median, spread = await store.unrelated()
        return Surroundings(seen=tuple(tuple(sights or ()) for sights in seen), unrelated_median=median, unrelated_spread=spread)

    async def nearest(question: Nearest) -> Neighbours:
        (vector,) = await embedder.embed([question.text])
        own = await store.vectors(question.own_fact_ids)
        facts = await store.facts(question.own_fact_ids)
        texts, team = {fact.fact_id: fact.text for fact in facts}, next((fact.team for fact in facts if fact.team), "")
        close = await store.near(vector, NEAR_KNOWN, without=frozenset(question.own_fact_ids))
        others = [(fact, cosine) for fact, cosine in close if fact.team in ("", team)][:1]  # what another team knows is not told
        known = [
            Known(what="insight" if fact.kind is FactKind.INSIGHT else "fact", id=fact.fact_id, text=fact.text, similarity=cosine) for fact, cosine in others
        ]
        earlier = await store.nearest_hypothesis(vector, question.own_hypothesis_id, team)
        return Neighbours(
            own_facts=tuple(Known(what="fact", id=key, text=texts[key], similarity=float(own[key] @ vector)) for key in own),
            nearest=max([*known, *([earlier] if earlier else [])], key=lambda one: one.similarity, default=None),
            unrelated_median=(await store.unrelated())[0],
            embedding_model=embedder.model,
            likeness=measured.likeness,
        )

    async def search(question: Search) -> Found:
        (vector,) = await embedder.embed([question.text])
        found = await store.near(vector, question.limit)
        ancestry = [tuple(await store.ancestors(fact.fact_id)) if question.ancestry else () for fact, _ in found]
        return Found(hits=tuple(Hit(fact=fact, similarity=cosine, ancestry=above) for (fact, cosine), above in zip(found, ancestry, strict=True)))

    async def verdicts(question: ListVerdicts) -> Verdicts:
        if question.verdict_ids:
            page = [found for name in question.verdict_ids if (found := await store.verdict(name)) is not None]
            total = len(page)
        else:
            page, total = await store.verdicts(question)
            page = [unanswered(one) for one in page]  # a page of a hundred has to fit into one message
        reviews, retracted, waiting = await store.said_of([verdict.verdict_id for verdict in page])
        return Verdicts(verdicts=tuple(page), total=total, reviews=tuple(reviews), retracted=tuple(retracted), waiting=tuple(waiting))

    async def judged(question: JudgedPairs) -> Judged:
        pairs, following = await store.judged(question.after, question.limit)
        return Judged(pairs=tuple(pairs), next=following)

    async def resolve(question: Resolve) -> Resolved:
        return Resolved(found=tuple(await store.resolve(question.names)))

    async def documents(question: ListDocuments) -> Documents:
        return Documents(reports=tuple(await store.reports(question)))

    async def back_up(request: BackUp) -> BackedUp:
        return await _of(backups).back_up(request)

    async def restore(request: RestoreBackup) -> Restored:
        return await _of(backups).restore(request)

    return {
        MEMORY_STATE: state,
        MEMORY_PAIR: pair,
        MEMORY_AROUND: around,
        MEMORY_NEAREST: nearest,
        MEMORY_SEARCH: search,
        MEMORY_INSIGHTS: verdicts,
        MEMORY_DOCUMENTS: documents,
        MEMORY_RESOLVE: resolve,
        MEMORY_JUDGED: judged,
        MEMORY_ERASE: erasing.erase,
        MEMORY_BACK_UP: back_up,
        MEMORY_RESTORE: restore,
    }


def _of(backups: Backups | None) -> Backups:
    if backups is None:
        raise Permanent("no-backup-here", "this memory lives in Weaviate: use Weaviate's own backups, together with a copy of NATS")
    return backups
