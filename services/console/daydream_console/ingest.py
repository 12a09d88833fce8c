"""Offer documents to the memory, and wait for the reports.

A small document travels inside its message; a large one goes into the object store first. The
memory does the rest, also after the command has ended. A document that the memory knows already is
not sent again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from daydream_console.client import Client
from daydream_console.overview import handled_up_to, wait_until_handled
from daydream_contracts.buckets import DOCUMENT_OBJECTS
from daydream_contracts.events import DocumentOffered, DocumentRemoved, FactKind, derive_id
from daydream_contracts.rpc import DocumentReport, ListDocuments
from daydream_contracts.topology import MEMORY_DOCUMENTS

BYTES_MAX = 256 << 20
INLINE_BYTES_MAX = 256 << 10  # in base64 well below the 1 MB that a message may have
BATCH_FILES = 64
BATCH_BYTES = 64 << 20
QUERY_DOCUMENTS = 500
PAGE = 1000
POLL_S = 0.2
KNOWN = "already known"
LOST = "was not ingested; see 'daydream dead-letters list' and the memory's log"

TITLE_SEPARATOR = " · "  # of a title and its source, as every list prints them


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
    """A document that has been read from disk but not offered."""

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
    client: Client,
    files: Sequence[Path],
    name_of: Callable[[Path], str] = lambda file: str(file.absolute()),
    labels: Labels = NO_LABELS,
) -> AsyncIterator[Offered]:
    """Offer files in batches.

    `name_of` gives the source under which people find a document again.
    """
    batch: list[Content | Offered] = []
    batch_bytes = 0
    for file in files:
        document = await asyncio.to_thread(_read, file, name_of(file))
        batch.append(document)
        batch_bytes += len(document.data) if isinstance(document, Content) else 0
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


def _read(file: Path, source: str) -> Content | Offered:
    """Return the content of a file, or a report that says why it can't be ingested."""
    printable = source.encode("utf-8", "backslashreplace").decode()
    if printable != source:
        note = "its name is no UTF-8 text. Rename it"
        return Offered("", printable, _report("", printable, "refused", note))
    try:
        size = file.stat().st_size
        if size <= BYTES_MAX:
            return Content(source, file.read_bytes())
        note = f"{size >> 20} MB; the maximum is {BYTES_MAX >> 20} MB per file. Split it"
    except OSError as error:
        note = f"can't be read: {error.strerror}"
    return Offered("", source, _report("", source, "refused", note))


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
    if earlier and earlier.current:
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


async def sources_under(
    client: Client, names: Sequence[str | Path], *, current_only: bool = True
) -> list[str]:
    """Return the sources at and below these paths of which the memory holds a document.

    A source can also be given as it is printed: "bundled notes/physics.md", or with its title in
    front. The files need not exist any more. Without `current_only`, include documents that were
    removed.
    """
    sources: dict[str, None] = {}
    for name in names:
        for stored in _names_as_stored(str(name)):
            sources |= dict.fromkeys(await _sources_at(client, stored, current_only=current_only))
    return list(sources)


def _names_as_stored(name: str) -> dict[str, None]:
    without_title = name.rpartition(TITLE_SEPARATOR)[2]
    return dict.fromkeys((str(Path(name).absolute()), name, without_title))


async def _sources_at(client: Client, name: str, *, current_only: bool) -> list[str]:
    below = f"{name.rstrip('/')}/"
    query = ListDocuments(under=name, current_only=current_only, limit=PAGE)
    sources: list[str] = []
    while page := (await client.rpc.request(MEMORY_DOCUMENTS, query)).reports:
        names = (report.source for report in page)
        sources += [source for source in names if source == name or source.startswith(below)]
        query = query.model_copy(update={"offset": query.offset + len(page)})
    return sources


async def remove(client: Client, sources: Sequence[str], who: str = "") -> None:
    """Report that these sources no longer exist, and wait until the memory has handled it."""
    last = 0
    for source in sources:
        removed = DocumentRemoved(source=source, who=who, removed_at=datetime.now(UTC))
        last = await client.publish(removed)
    if sources:
        await wait_until_handled(client, DocumentRemoved, last)


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
            if report.current or all_handled:
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


def _report(document_id: str, source: str, status: str, note: str) -> DocumentReport:
    fields = {"document_id": document_id, "source": source, "status": status, "note": note}
    return DocumentReport.model_validate({**fields, "facts": 0, "facts_embedded": 0})
