"""Handle what the memory receives: documents, verdicts and reviews, and requests.

All handlers are idempotent. Most requests only read.
"""

from __future__ import annotations

from typing import Annotated

from daydream_contracts.events import (
    DocumentOffered,
    DocumentRemoved,
    OutcomeRecorded,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.rpc import (
    BackedUp,
    BackUp,
    DeadLetterRead,
    DocumentPage,
    DocumentPreview,
    EmptyRequest,
    Erase,
    Erased,
    FindNearest,
    FindNeighbours,
    FindPairs,
    JudgedPairs,
    JudgedPairsPage,
    ListDocuments,
    ListVerdicts,
    MapMemory,
    MemoryMap,
    MemoryState,
    NearestMatches,
    Neighbourhoods,
    PairsFound,
    PreviewDocument,
    ProtectedRead,
    RankedVerdicts,
    RankVerdicts,
    ReadAgain,
    ReadProtected,
    Resolve,
    Resolved,
    RestoreBackup,
    Restored,
    Search,
    SearchResults,
    VerdictPage,
)
from daydream_memory.backups import BackupProvider
from daydream_memory.dead_letter_reader import DeadLetterReader
from daydream_memory.eraser import Eraser
from daydream_memory.ingest import Ingester
from daydream_memory.memory_map import MapMaker
from daydream_memory.queries import MemoryQueries
from daydream_memory.similarity_search import SimilaritySearch
from daydream_memory.verdict_writer import VerdictWriter
from daydream_runtime.from_context import FromContext
from daydream_runtime.publisher import EventPublisher

Queries = Annotated[MemoryQueries, FromContext()]
Publisher = Annotated[EventPublisher, FromContext()]
Writer = Annotated[VerdictWriter, FromContext()]
Backups = Annotated[BackupProvider, FromContext()]


async def document_offered(
    offer: DocumentOffered, ingester: Annotated[Ingester, FromContext()]
) -> None:
    """Read a document. Facts and the report have ids made from content."""
    await ingester.read(offer)


async def preview_document(
    request: PreviewDocument, ingester: Annotated[Ingester, FromContext()]
) -> DocumentPreview:
    """Read a document and store nothing."""
    return await ingester.preview(request)


async def read_protected(
    request: ReadProtected, ingester: Annotated[Ingester, FromContext()]
) -> ProtectedRead:
    """Read an encrypted document and store its facts. They have ids made from content."""
    return await ingester.read_protected(request)


async def document_removed(
    removal: DocumentRemoved, ingester: Annotated[Ingester, FromContext()]
) -> None:
    """Remove a document. A removed document stays removed."""
    await ingester.remove(removal)


async def verdict_reached(verdict: VerdictReached, writer: Writer, publisher: Publisher) -> None:
    """Store a verdict. Verdict, insight and release have derived ids."""
    for insight in await writer.write_verdict(verdict):
        await publisher.publish(insight)


async def review_recorded(review: ReviewRecorded, writer: Writer, publisher: Publisher) -> None:
    """Store a review. Review and insight have derived ids."""
    for insight in await writer.write_review(review):
        await publisher.publish(insight)


async def outcome_recorded(outcome: OutcomeRecorded, writer: Writer) -> None:
    """Store an outcome. It has a derived id."""
    await writer.write_outcome(outcome)


async def visibility_changed(
    change: VisibilityChanged, writer: Writer, publisher: Publisher
) -> None:
    """Retract or reinstate facts. Retracted facts stay retracted; events have derived ids."""
    for event in await writer.change_visibility(change):
        await publisher.publish(event)


async def memory_state(request: EmptyRequest, memory_queries: Queries) -> MemoryState:
    """Return how much the memory holds."""
    return await memory_queries.state()


async def find_pairs(request: FindPairs, memory_queries: Queries) -> PairsFound:
    """Return the facts of pairs by their ordinals."""
    return await memory_queries.pairs(request)


async def find_neighbours(request: FindNeighbours, memory_queries: Queries) -> Neighbourhoods:
    """Return the neighbours of facts."""
    return await memory_queries.neighbourhoods(request)


async def list_verdicts(request: ListVerdicts, memory_queries: Queries) -> VerdictPage:
    """Return a page of verdicts."""
    return await memory_queries.verdicts(request)


async def list_documents(request: ListDocuments, memory_queries: Queries) -> DocumentPage:
    """Return a page of the results of reading documents."""
    return await memory_queries.documents(request)


async def resolve_facts(request: Resolve, memory_queries: Queries) -> Resolved:
    """Return the facts with these names, and whether they are hidden."""
    return await memory_queries.resolve(request)


async def list_judged_pairs(request: JudgedPairs, memory_queries: Queries) -> JudgedPairsPage:
    """Return a page of the pairs that have a verdict."""
    return await memory_queries.judged_pairs(request)


async def find_nearest(
    request: FindNearest, similarity_search: Annotated[SimilaritySearch, FromContext()]
) -> NearestMatches:
    """Return what is nearest to a hypothesis."""
    return await similarity_search.nearest(request)


async def search_facts(
    request: Search, similarity_search: Annotated[SimilaritySearch, FromContext()]
) -> SearchResults:
    """Return the facts nearest to a text."""
    return await similarity_search.search(request)


async def rank_verdicts(
    request: RankVerdicts, similarity_search: Annotated[SimilaritySearch, FromContext()]
) -> RankedVerdicts:
    """Return the verdicts in the order of their similarity to a text."""
    return await similarity_search.rank(request)


async def map_memory(
    request: MapMemory, memory_map: Annotated[MapMaker, FromContext()]
) -> MemoryMap:
    """Return a map of the facts."""
    return await memory_map.place(request)


async def erase(request: Erase, eraser: Annotated[Eraser, FromContext()]) -> Erased:
    """Erase documents and facts."""
    return await eraser.erase(request)


async def read_again(
    request: ReadAgain, dead_letter_reader: Annotated[DeadLetterReader, FromContext()]
) -> DeadLetterRead:
    """Handle a verdict's dead letter. The same verdict again changes nothing."""
    return await dead_letter_reader.read(request)


async def back_up(request: BackUp, backups: Backups) -> BackedUp:
    """Make a backup. A repeated request waits for the same copy."""
    return await backups.back_up(request)


async def restore(request: RestoreBackup, backups: Backups) -> Restored:
    """Stage a backup and restart."""
    return await backups.restore(request)
