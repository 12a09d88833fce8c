"""Define the events of documents that are added to memory, or removed."""

from __future__ import annotations

from datetime import datetime

from pydantic import Base64Bytes, Field

from daydream_contracts.events.base import Message, derive_id
from daydream_contracts.events.facts import FactKind


class DocumentOffered(Message):
    """A document was offered: a small one in the message, a large one in the object store."""

    document_id: str = Field(
        description="SHA-256 of the bytes, and of team and clearance where it has any"
    )
    object_name: str = ""
    content: Base64Bytes | None = Field(
        default=None, description="the bytes, if there is no object"
    )
    source: str = Field(description="where people find it: a path or a URL")
    title: str = Field(
        default="",
        max_length=1000,
        description="title by which a library of documents knows it; empty: its own",
    )
    size_bytes: int = Field(ge=0)
    kind: FactKind = Field(
        default=FactKind.DOCUMENT,
        description="kind of its facts: document or question",
    )
    team: str = Field(
        default="", max_length=100, description="team that owns the facts; empty: shared"
    )
    clearance: str = Field(
        default="",
        max_length=100,
        description="clearance that a model needs to see them; empty: none",
    )
    returned: bool = Field(
        default=False,
        description="the same bytes were offered from this source before, and replaced or removed",
    )
    offered_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id(
            "document",
            self.document_id,
            self.source,
            *([self.offered_at.isoformat()] if self.returned else []),
        )


class DocumentRemoved(Message):
    """A source was removed. Facts that come only from it are hidden.

    It covers all documents that were offered from the source until `removed_at`.
    """

    source: str
    who: str = ""
    removed_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("removed", self.source, self.removed_at.isoformat())
