"""What is put into memory, and taken out."""

from __future__ import annotations

from datetime import datetime

from pydantic import Base64Bytes, Field

from daydream_contracts.events.base import Message, derive_id
from daydream_contracts.events.pairs import FactKind


class DocumentOffered(Message):
    """A document waits to be read: a small one in the message itself, a large one in the object store."""

    document_id: str = Field(
        description="SHA-256 of the bytes, and of team and clearance where it has any"
    )
    object_name: str = ""
    content: Base64Bytes | None = Field(
        default=None, description="the bytes, when there is no object"
    )
    source: str = Field(description="where people find it again: a path or an address")
    size_bytes: int = Field(ge=0)
    kind: FactKind = Field(
        default=FactKind.DOCUMENT,
        description="what its facts are: a document's, or a question of the lab",
    )
    team: str = Field(
        default="", max_length=100, description="whose facts these are; empty: everybody's"
    )
    clearance: str = Field(
        default="", max_length=100, description="what a model needs to see them; empty: nothing"
    )
    returned: bool = Field(
        default=False,
        description="the same bytes were at this source before, and something else or nothing in between",
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
    """What was offered from a source until then is no longer there: its facts, unless another document has them too, can't be drawn."""

    source: str
    who: str = ""
    removed_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("removed", self.source, self.removed_at.isoformat())
