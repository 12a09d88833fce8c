"""Offer documents to the memory, and wait for the reports.

A small document travels inside its message; a large one goes into the object store first. The
memory does the rest, also after the command has ended. A document that the memory knows already is
not sent again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from daydream_console.client import Client
from daydream_console.overview import handled_up_to
from daydream_console.sources import SourceDocument, UnreadableSourceError
from daydream_contracts.buckets import DOCUMENT_OBJECTS
from daydream_contracts.events import DocumentOffered, FactKind, derive_id
from daydream_contracts.rpc import DocumentReport, ListDocuments
from daydream_contracts.topology import MEMORY_DOCUMENTS

STOPPED = "stopped"  # kind of what a report says was left out
INLINE_BYTES_MAX = 256 << 10  # in base64 well below the 1 MB that a message may have
BATCH_FILES = 64
BATCH_BYTES = 64 << 20
QUERY_DOCUMENTS = 500
PAGE = 1000
POLL_S = 0.2
KNOWN = "already known"
LOST = "was not ingested; see 'daydream dead-letters list' and the memory's log"


@dataclass(frozen=True)
class Labels:
    """The team that owns documents and the clearance that a model needs.

    Empty: shared, and none.
    """

    team: str = ""
    clearance: str = ""

    def id_of(self, data: bytes) -> str:
        """Return the id of a document: a digest of its bytes, and of its labels if it has any."""
        labels = f"\0{self.team}\0{self.clearance}".encode() if self.team or self.clearance else b""
        return hashlib.sha256(data + labels).hexdigest()


NO_LABELS = Labels()


@dataclass(frozen=True)
class Content:
    """A document that has been loaded but not offered."""

    source: str
    data: bytes


@dataclass(frozen=True)
class Offered:
    """An offered document.

    It has a sequence in its stream, or a report if no work is left to do.
    """

    document_id: str
    source: str
    report: DocumentReport | None = None
    sequence: int = 0


async def offer(
    client: Client, documents: Iterable[SourceDocument], labels: Labels = NO_LABELS
) -> AsyncIterator[Offered]:
    """Offer documents in batches. Each is loaded only then."""
    batch: list[Content | Offered] = []
    batch_bytes = 0
    for document in documents:
        content = await asyncio.to_thread(load, document)
        batch.append(content)
        batch_bytes += len(content.data) if isinstance(content, Content) else 0
        if len(batch) == BATCH_FILES or batch_bytes > BATCH_BYTES:
            for offered in await _offer_batch(client, batch, labels):
                yield offered
            batch, batch_bytes = [], 0
    for offered in await _offer_batch(client, batch, labels):
        yield offered


async def offer_bytes(
    client: Client,
    data: bytes,
    source: str,
    kind: FactKind = FactKind.DOCUMENT,
    labels: Labels = NO_LABELS,
) -> Offered:
    """Offer a document that is in memory already."""
    (offered,) = await _offer_batch(client, [Content(source, data)], labels, kind)
    return offered


def load(document: SourceDocument) -> Content | Offered:
    """Return the content of a document, or a report that says why it can't be ingested."""
    source = document.source
    if document.skipped:
        return Offered("", source, _report("", source, "skipped", document.skipped))
    try:
        return Content(source, document.load())
    except UnreadableSourceError as error:
        return Offered("", source, _report("", source, "refused", str(error)))


async def _offer_batch(
    client: Client,
    batch: Sequence[Content | Offered],
    labels: Labels,
    kind: FactKind = FactKind.DOCUMENT,
) -> list[Offered]:
    """Offer what the memory does not know yet, all at once.

    Return the results in the order of the batch.
    """
    contents = [document for document in batch if isinstance(document, Content)]
    known = await _known(client, tuple({labels.id_of(content.data) for content in contents}))
    results = await asyncio.gather(
        *(_offer(client, content, labels, kind, known) for content in contents)
    )
    offered = iter(results)
    return [next(offered) if isinstance(document, Content) else document for document in batch]


async def _known(
    client: Client, document_ids: tuple[str, ...]
) -> Mapping[tuple[str, str], DocumentReport]:
    """Return the reports of known documents by (document id, source)."""
    if not document_ids:
        return {}
    query = ListDocuments(document_ids=document_ids, limit=PAGE)
    reports = (await client.rpc.request(MEMORY_DOCUMENTS, query)).reports
    return {(report.document_id, report.source): report for report in reports}


async def _offer(
    client: Client,
    content: Content,
    labels: Labels,
    kind: FactKind,
    known: Mapping[tuple[str, str], DocumentReport],
) -> Offered:
    source, data = content.source, content.data
    document_id = labels.id_of(data)
    if not data:
        return Offered(document_id, source, _report(document_id, source, "skipped", "empty"))
    earlier = known.get((document_id, source))
    if earlier and earlier.current and not _was_stopped(earlier):
        note = "; ".join(filter(None, (earlier.note, KNOWN)))
        return Offered(document_id, source, earlier.model_copy(update={"note": note}))
    inline = len(data) <= INLINE_BYTES_MAX
    # One object per source: the first to be read deletes its own object only.
    object_name = "" if inline else derive_id("object", document_id, source)
    if not inline:
        await (await client.js.object_store(DOCUMENT_OBJECTS)).put(object_name, data)
    message = DocumentOffered(
        document_id=document_id,
        object_name=object_name,
        content=base64.b64encode(data) if inline else None,
        source=source,
        size_bytes=len(data),
        kind=kind,
        team=labels.team,
        clearance=labels.clearance,
        returned=earlier is not None,
        offered_at=datetime.now(UTC),
    )
    return Offered(document_id, source, sequence=await client.publish(message))


async def reports(
    client: Client, offered: Sequence[Offered], *, progress: Callable[[int], None] = lambda _: None
) -> list[DocumentReport]:
    """Wait until all documents have been read. Return their reports in the order of the offers.

    `progress` gets the number of documents that are done.
    """
    done = {document.source: document.report for document in offered if document.report}
    last = max((document.sequence for document in offered), default=0)
    while missing := [document for document in offered if document.source not in done]:
        # Asked first: every document that was handled by then has its report in the answer below.
        all_handled = await handled_up_to(client, DocumentOffered, last)
        for report in await _matchingof(client, missing):
            if all_handled or (report.current and not _was_stopped(report)):
                done[report.source] = report
        progress(len(done))
        if not all_handled:
            await asyncio.sleep(POLL_S)
            continue
        for document in missing:  # handled and yet without a report: dead-lettered
            lost = _report(document.document_id, document.source, "refused", LOST)
            done.setdefault(document.source, lost)
    return [done[document.source] for document in offered]


async def _matchingof(client: Client, documents: Sequence[Offered]) -> list[DocumentReport]:
    matching: list[DocumentReport] = []
    for start in range(0, len(documents), QUERY_DOCUMENTS):
        part = documents[start : start + QUERY_DOCUMENTS]
        keys = {(document.document_id, document.source) for document in part}
        ids = tuple(document.document_id for document in part)
        query = ListDocuments(document_ids=ids, limit=PAGE)
        page = (await client.rpc.request(MEMORY_DOCUMENTS, query)).reports
        matching += [report for report in page if (report.document_id, report.source) in keys]
    return matching


def _was_stopped(report: DocumentReport) -> bool:
    """Return whether a limit ended the reading. It may be another limit now."""
    return any(part.kind == STOPPED for part in report.left_out)


def _report(document_id: str, source: str, status: str, note: str) -> DocumentReport:
    fields = {"document_id": document_id, "source": source, "status": status, "note": note}
    return DocumentReport.model_validate({**fields, "facts": 0, "facts_embedded": 0})
