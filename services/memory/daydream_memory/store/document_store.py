"""The part of a store that holds documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from daydream_contracts.rpc import DocumentReport, ListDocuments
from daydream_memory.store.records import DocumentRecord, NewFact, VisibilityChange


class DocumentStore(Protocol):
    """Documents, and which facts they hold."""

    async def add(self, record: DocumentRecord, facts: Sequence[NewFact]) -> None:
        """Store a document and its facts, pending. A known fact stays as it is.

        The document replaces the one that was at its source before: facts that no current document
        holds any more are hidden. An older offer replaces nothing.
        """

    async def known_from(self, source: str, fact_ids: Sequence[str]) -> list[str]:
        """Return the other sources under which all these facts are known, most facts first.

        Empty if one of them is new, or found under this source, or no current document holds it.
        """

    async def remove(self, source: str, removed_at: datetime) -> VisibilityChange:
        """Remove what was offered from this source until then."""

    async def reports(self, request: ListDocuments) -> list[DocumentReport]:
        """Return the results of reading documents, newest first."""
