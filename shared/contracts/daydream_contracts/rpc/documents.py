"""Requests to the memory service about documents, and its replies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Base64Bytes, Field

from daydream_contracts.events import ContractModel, DocumentOffered, FactKind

# A password is in requests only: no stream, store, log or report has one
PASSWORDS_MAX = 100
Passwords = tuple[Annotated[str, Field(max_length=1000)], ...]


class ListDocuments(ContractModel):
    """List the results of reading documents, newest first.

    `document_ids`: empty for all. `under`: prefix of the source. `read_until`: only those that were
    read up to this time. With it and `offset`, a page follows another also while documents come in.
    """

    document_ids: tuple[str, ...] = ()
    under: str = ""
    current_only: bool = False
    read_until: AwareDatetime | None = None
    limit: int = Field(default=200, ge=1, le=1000)
    offset: int = Field(default=0, ge=0)


class LeftOutReport(ContractModel):
    """Something in a document that gave no fact, and why.

    `kind`: a short name for programs, such as "scanned-pages", "pictures" or "stopped". `text`: a
    sentence for people.
    """

    kind: str = Field(max_length=100)
    count: int = Field(ge=0)
    text: str = Field(max_length=300)


class DocumentReport(ContractModel):
    """The result of reading one document."""

    document_id: str
    source: str
    status: Literal["read", "skipped", "refused"]
    note: str
    facts: int
    facts_embedded: int
    current: bool = Field(
        default=True, description="the newest document of its source, and not removed"
    )
    read_at: AwareDatetime | None = None
    kind: str = Field(default="", description="what its content showed it to be, e.g. pdf or mail")
    left_out: tuple[LeftOutReport, ...] = Field(
        default=(), description="what gave no fact, and why"
    )


class PreviewDocument(ContractModel):
    """Read a document and store nothing. A large one is in the object store, as in an offer."""

    source: str
    object_name: str = ""
    content: Base64Bytes | None = None
    title: str = Field(default="", max_length=1000)
    kind: FactKind = FactKind.DOCUMENT
    team: str = Field(default="", max_length=100)
    clearance: str = Field(default="", max_length=100)
    passwords: Passwords = Field(
        default=(), max_length=PASSWORDS_MAX, repr=False, description="to try on an encrypted one"
    )


class ReadProtected(ContractModel):
    """Read an encrypted document with one of these passwords, and store its facts.

    It is a request, and no event like other offers, because a stream would keep the passwords.
    """

    document: DocumentOffered
    passwords: Passwords = Field(max_length=PASSWORDS_MAX, repr=False)


class ProtectedRead(ContractModel):
    """How the reading of an encrypted document ended. Its report says what was read."""

    status: Literal["read", "skipped", "refused"]
    note: str = ""


class DocumentPreview(ContractModel):
    """What reading a document would give.

    `known`: how many of its facts the memory holds already. `embedding_model`: name of the model
    at the gateway that would embed the others, "" for one that costs nothing. `embedding_bytes`:
    the size of their texts.
    """

    status: Literal["read", "skipped", "refused"]
    note: str
    kind: str = ""
    left_out: tuple[LeftOutReport, ...] = ()
    facts: int
    known: int
    embedding_model: str
    embedding_bytes: int


class DocumentPage(ContractModel):
    """A page of reports."""

    reports: tuple[DocumentReport, ...]
