"""What the memory takes from streams, and which requests it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    DocumentOffered,
    DocumentRemoved,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    Message,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.rpc import (
    BackedUp,
    BackUp,
    EmptyRequest,
    MemoryState,
    RestoreBackup,
    Restored,
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
from daydream_memory.eraser import Eraser
from daydream_memory.ingest import Ingester
from daydream_memory.queries import MemoryQueries
from daydream_memory.similarity_search import SimilaritySearch
from daydream_memory.verdict_writer import VerdictWriter
from daydream_runtime.service import Handler


@dataclass(frozen=True)
class MemoryHandlers:
    """One method for each message. All are idempotent."""

    ingester: Ingester
    writer: VerdictWriter

    async def document_offered(self, offer: DocumentOffered) -> list[Message]:
        """Read a document. Facts and the report have ids made from content."""
        await self.ingester.read(offer)
        return []

    async def document_removed(self, removal: DocumentRemoved) -> list[Message]:
        """Remove a document. What is gone stays gone."""
        await self.ingester.remove(removal)
        return []

    async def verdict_reached(self, verdict: VerdictReached) -> list[InsightPromoted]:
        """Store a verdict. Verdict, insight and release have derived ids."""
        return await self.writer.write_verdict(verdict)

    async def review_recorded(self, review: ReviewRecorded) -> list[InsightPromoted]:
        """Store a review. Review and insight have derived ids."""
        return await self.writer.write_review(review)

    async def visibility_changed(
        self, change: VisibilityChanged
    ) -> list[InsightRetracted | InsightReinstated]:
        """Withdraw or reinstate facts. Withdrawn facts stay withdrawn; events have derived ids."""
        return await self.writer.change_visibility(change)

    def by_message(self) -> Mapping[type[Message], Handler]:
        """Return the handler of each message."""
        return {
            DocumentOffered: self.document_offered,
            DocumentRemoved: self.document_removed,
            VerdictReached: self.verdict_reached,
            ReviewRecorded: self.review_recorded,
            VisibilityChanged: self.visibility_changed,
        }


@dataclass(frozen=True)
class MemoryEndpoints:
    """The requests that the memory answers. Most only read, and the others are idempotent.

    `backups`: None where the store has its own means for them.
    """

    queries: MemoryQueries
    search: SimilaritySearch
    eraser: Eraser
    backups: BackupService | None

    async def state(self, _: EmptyRequest) -> MemoryState:
        """Return how much the memory holds."""
        return await self.queries.state()

    async def back_up(self, request: BackUp) -> BackedUp:
        """Make a backup."""
        return await self._backups().back_up(request)

    async def restore(self, request: RestoreBackup) -> Restored:
        """Restore a backup."""
        return await self._backups().restore(request)

    def _backups(self) -> BackupService:
        if self.backups is None:
            raise PermanentError(
                "no-backup-here",
                "This memory's store makes no backups here. "
                "Use the store's own backups, together with a copy of NATS",
            )
        return self.backups

    def by_endpoint(self) -> Mapping[Endpoint[Any, Any], Callable[[Any], Awaitable[Any]]]:
        """Return the method that answers each endpoint."""
        return {
            MEMORY_STATE: self.state,
            MEMORY_PAIR: self.queries.pair,
            MEMORY_NEIGHBOURHOODS: self.queries.neighbourhoods,
            MEMORY_NEAREST: self.search.nearest,
            MEMORY_SEARCH: self.search.search,
            MEMORY_INSIGHTS: self.queries.verdicts,
            MEMORY_DOCUMENTS: self.queries.documents,
            MEMORY_RESOLVE: self.queries.resolve,
            MEMORY_JUDGED_PAIRS: self.queries.judged_pairs,
            MEMORY_ERASE: self.eraser.erase,
            MEMORY_BACK_UP: self.back_up,
            MEMORY_RESTORE: self.restore,
        }
