"""Read encrypted documents with passwords from a file.

The passwords go to the memory in a request, which no stream keeps, and from there to the process
that reads the document. They are in no setting, argument, message, log or report.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from daydream_console.client import Client
from daydream_console.ingest import INLINE_BYTES_MAX, Content, Labels, load
from daydream_console.sources import SourceDocument
from daydream_contracts.buckets import DOCUMENT_OBJECTS
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import DocumentOffered, derive_id
from daydream_contracts.rpc import PASSWORDS_MAX, DocumentReport, ListDocuments, ReadProtected
from daydream_contracts.topology import MEMORY_DOCUMENTS, MEMORY_READ_PROTECTED

ENCRYPTED = "encrypted"  # how the memory's notes on such documents begin
PASSWORD_CHARS_MAX = 1000
READ_S = 300.0  # documents wait for each other


def passwords_of(file: Path | None) -> tuple[str, ...]:
    """Return the passwords of a file, one a line. Raise ConfigurationError if it has none.

    The error never quotes the file.
    """
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"{file} can't be read: {reason}", "Pass a text file") from None
    passwords = tuple(line for line in lines if line)
    if not passwords or len(passwords) > PASSWORDS_MAX:
        raise ConfigurationError(
            f"{file} holds {len(passwords)} passwords", f"Write 1 to {PASSWORDS_MAX}, one a line"
        )
    if max(map(len, passwords)) > PASSWORD_CHARS_MAX:
        raise ConfigurationError(
            f"{file} holds a line of more than {PASSWORD_CHARS_MAX} characters",
            "Write one password a line",
        )
    return passwords


async def read_protected(
    client: Client,
    documents: Sequence[SourceDocument],
    reports: Sequence[DocumentReport],
    labels: Labels,
    passwords: tuple[str, ...],
) -> list[DocumentReport]:
    """Read those of the documents whose reports say that they are encrypted.

    Return all reports, with the new ones of these documents in their places.
    """
    by_source = {document.source: document for document in documents}
    return [
        await _read(client, by_source[report.source], report, labels, passwords)
        if is_encrypted(report) and report.source in by_source
        else report
        for report in reports
    ]


def is_encrypted(report: DocumentReport) -> bool:
    """Return whether a document was refused for being encrypted."""
    return report.status == "refused" and report.note.startswith(ENCRYPTED)


async def _read(
    client: Client,
    document: SourceDocument,
    report: DocumentReport,
    labels: Labels,
    passwords: tuple[str, ...],
) -> DocumentReport:
    content = await asyncio.to_thread(load, document)
    if not isinstance(content, Content):  # it has gone since
        return content.report or report
    request = ReadProtected(document=await _offer(client, content, labels), passwords=passwords)
    await client.rpc.request(MEMORY_READ_PROTECTED, request, patience_s=READ_S, try_s=READ_S)
    query = ListDocuments(document_ids=(request.document.document_id,))
    page = await client.rpc.request(MEMORY_DOCUMENTS, query)
    now: Mapping[str, DocumentReport] = {entry.source: entry for entry in page.reports}
    return now.get(content.source, report)


async def _offer(client: Client, content: Content, labels: Labels) -> DocumentOffered:
    """Return the message about a document, whose bytes are in it or in the object store."""
    document_id = labels.id_of(content.data)
    is_inline = len(content.data) <= INLINE_BYTES_MAX
    name = "" if is_inline else derive_id("protected", document_id, content.source)
    if name:
        await (await client.js.object_store(DOCUMENT_OBJECTS)).put(name, content.data)
    return DocumentOffered(
        document_id=document_id,
        object_name=name,
        content=base64.b64encode(content.data) if is_inline else None,
        source=content.source,
        title=content.title,
        size_bytes=len(content.data),
        team=labels.team,
        clearance=labels.clearance,
        returned=True,
        offered_at=datetime.now(UTC),
    )
