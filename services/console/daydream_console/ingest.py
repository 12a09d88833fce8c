"""Offers documents to the memory, and follows what becomes of them.

A small document travels in its offer, the bytes of a large one go into the object store before; the memory does the rest, also when
nobody looks any more. What is known already is not sent again.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from daydream_console.client import Client
from daydream_console.overview import settled, taken_up
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import DocumentOffered, DocumentRemoved, FactKind, derive_id
from daydream_contracts.rpc import DocumentReport, ListDocuments
from daydream_contracts.topology import DOCUMENT_OBJECTS, MEMORY_DOCUMENTS

BYTES_MAX = 256 << 20
INLINE_BYTES_MAX = 256 << 10  # in base64 well below the 1 MB that a message may have
AT_ONCE = 64
BYTES_AT_ONCE = 64 << 20
ASK_AT_ONCE = 500
POLL_S = 0.2


@dataclass(frozen=True)
class Labels:
    """Whose the documents are, and what a model needs to see them; empty: everybody's, and nothing."""

    team: str = ""
    clearance: str = ""

    def id_of(self, data: bytes) -> str:
        """The id of a document: of its bytes, and of its labels where it has any."""
        labels = f"\0{self.team}\0{self.clearance}".encode() if self.team or self.clearance else b""
        return hashlib.sha256(data + labels).hexdigest()


NO_LABELS = Labels()


@dataclass(frozen=True)
class Offered:
    """A document that was offered (at this place in the stream), or (with a report) one that needs no more work."""

    document_id: str
    source: str
    report: DocumentReport | None = None
    sequence: int = 0


def files_under(paths: Sequence[Path]) -> list[Path]:
    """All files at these paths, hidden ones left out, in a stable order. ConfigurationError for a path that isn't there."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ConfigurationError(
                f"there is nothing at {path}", "Give files or folders that exist"
            )
        found += [path] if path.is_file() else list(_walk(path))
    return found


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not hidden(path, [folder]):
            yield path


def hidden(path: Path, folders: Sequence[Path]) -> bool:
    """Whether it, or a folder in which it lies below one of these, has a name that begins with a dot."""
    below = next(
        (
            path.absolute().relative_to(folder.absolute())
            for folder in folders
            if path.absolute().is_relative_to(folder.absolute())
        ),
        path,
    )
    return any(part.startswith(".") for part in below.parts)


async def offer(
    client: Client,
    files: Sequence[Path],
    called: Callable[[Path], str] = lambda file: str(file.absolute()),
    labels: Labels = NO_LABELS,
) -> AsyncIterator[Offered]:
    """Offer these files, some at a time, each under the name by which people find it again."""
    read: list[tuple[str, bytes] | Offered] = []
    for file in files:
        read.append(await asyncio.to_thread(_read, file, called(file)))
        if (
            len(read) == AT_ONCE
            or sum(len(one[1]) for one in read if isinstance(one, tuple)) > BYTES_AT_ONCE
        ):
            for one in await _offer_all(client, read, labels):
                yield one
            read = []
    for one in await _offer_all(client, read, labels):
        yield one


async def offer_bytes(
    client: Client,
    data: bytes,
    source: str,
    kind: FactKind = FactKind.DOCUMENT,
    labels: Labels = NO_LABELS,
) -> Offered:
    """Offer what was read already."""
    (offered,) = await _offer_all(client, [(source, data)], labels, kind)
    return offered


def _read(file: Path, source: str) -> tuple[str, bytes] | Offered:
    try:
        size = file.stat().st_size
        if size > BYTES_MAX:
            return _not_sent(
                "",
                source,
                "refused",
                f"{size >> 20} MB is more than the {BYTES_MAX >> 20} MB that one file may have; split it",
            )
        return source, file.read_bytes()
    except OSError as error:
        return _not_sent("", source, "refused", f"can't be read: {error.strerror}")


async def _offer_all(
    client: Client,
    read: Sequence[tuple[str, bytes] | Offered],
    labels: Labels,
    kind: FactKind = FactKind.DOCUMENT,
) -> list[Offered]:
    """Offer what is not known yet, all at once; in the order given."""
    ids = tuple({labels.id_of(one[1]) for one in read if isinstance(one, tuple)})
    known = (
        (await client.ask(MEMORY_DOCUMENTS, ListDocuments(document_ids=ids, limit=1000))).reports
        if ids
        else ()
    )
    there = {(report.document_id, report.source): report for report in known}
    return list(
        await asyncio.gather(
            *(
                _settled(one)
                if isinstance(one, Offered)
                else _offer(client, *one, labels, kind, there)
                for one in read
            )
        )
    )


async def _settled(offered: Offered) -> Offered:
    return offered


async def _offer(
    client: Client,
    source: str,
    data: bytes,
    labels: Labels,
    kind: FactKind,
    there: Mapping[tuple[str, str], DocumentReport],
) -> Offered:
    document_id = labels.id_of(data)
    if not data:
        return _not_sent(document_id, source, "skipped", "empty")
    same = there.get((document_id, source))
    if same and same.current:
        return Offered(
            document_id,
            source,
            same.model_copy(update={"note": "; ".join(filter(None, (same.note, "known already")))}),
        )
    inline = len(data) <= INLINE_BYTES_MAX
    object_name = (
        "" if inline else derive_id("object", document_id, source)
    )  # one for each source: the first to be read removes its own only
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
        returned=same is not None,
        offered_at=datetime.now(UTC),
    )
    return Offered(document_id, source, sequence=await client.publish(message))


async def sources_under(
    client: Client, paths: Sequence[Path], *, current_only: bool = True
) -> list[str]:
    """The sources at and below these paths, whether they are still there or not, of which the memory holds a current document, or ever held one."""
    found: dict[str, None] = {}
    for path in paths:
        name = str(path.absolute())
        page = ListDocuments(under=name, current_only=current_only, limit=1000)
        while reports := (await client.ask(MEMORY_DOCUMENTS, page)).reports:
            found.update(
                dict.fromkeys(
                    report.source
                    for report in reports
                    if report.source == name or report.source.startswith(f"{name.rstrip('/')}/")
                )
            )
            page = page.model_copy(update={"offset": page.offset + len(reports)})
    return list(found)


async def remove(client: Client, sources: Sequence[str], who: str = "") -> None:
    """Say that what was offered from these sources is no longer there, and wait until the memory knows."""
    last = 0
    for source in sources:
        last = await client.publish(
            DocumentRemoved(source=source, who=who, removed_at=datetime.now(UTC))
        )
    if sources:
        await settled(client, DocumentRemoved, last)


async def reports(
    client: Client, offered: Sequence[Offered], *, seen: Callable[[int], None] = lambda _: None
) -> list[DocumentReport]:
    """What became of them, once all have been read; in the order in which they were offered."""
    done = {one.source: one.report for one in offered if one.report}
    last = max((one.sequence for one in offered), default=0)
    while missing := [one for one in offered if one.source not in done]:
        all_taken = await taken_up(
            client, DocumentOffered, last
        )  # before the question: what is taken has its report by now
        for start in range(0, len(missing), ASK_AT_ONCE):
            part = missing[start : start + ASK_AT_ONCE]
            found = await client.ask(
                MEMORY_DOCUMENTS,
                ListDocuments(document_ids=tuple(one.document_id for one in part), limit=1000),
            )
            wanted = {(one.document_id, one.source) for one in part}
            there = [
                report for report in found.reports if (report.document_id, report.source) in wanted
            ]
            done |= {report.source: report for report in there if report.current or all_taken}
        seen(len(done))
        if all_taken:  # and yet no report: its message was put aside
            lost = "was not taken in; daydream dead-letters list and the memory's log say why"
            done |= {
                one.source: _report(one.document_id, one.source, "refused", lost)
                for one in missing
                if one.source not in done
            }
        else:
            await asyncio.sleep(POLL_S)
    return [report for one in offered if (report := done[one.source])]


def _not_sent(document_id: str, source: str, status: str, note: str) -> Offered:
    return Offered(document_id, source, _report(document_id, source, status, note))


def _report(document_id: str, source: str, status: str, note: str) -> DocumentReport:
    return DocumentReport.model_validate(
        {
            "document_id": document_id,
            "source": source,
            "status": status,
            "note": note,
            "facts": 0,
            "facts_embedded": 0,
        }
    )
