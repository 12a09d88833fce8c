"""Bytes to passages: recognise the kind, decode, read, and make the text safe.

The result says what was done and what was left out. A document that cannot be read never stops a
whole ingest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from daydream_memory.reading.binary_kinds import PDF_MAGIC, binary_kind
from daydream_memory.reading.kinds import READERS, reader_of
from daydream_memory.reading.no_documents import check_name, check_text
from daydream_memory.reading.own_readers import own_reader_for
from daydream_memory.reading.passages import (
    Passage,
    RawDocument,
    Reading,
    ReadResult,
    SkippedDocumentError,
    UnreadableDocumentError,
)
from daydream_memory.reading.protected_office import without_password
from daydream_memory.reading.safe_text import safe_passages, safe_text
from daydream_memory.reading.text import decode_text, looks_binary
from daydream_memory.reading.text_kinds import text_kind

FORMATS = (
    "text, Markdown, web pages, PDF, Word, PowerPoint, spreadsheets, OpenDocument, RTF, EPUB, "
    "mail, LaTeX, reStructuredText, Org, notebooks, JSON, CSV, BibTeX, RIS, subtitles, "
    "manual pages and archives of these"
)
# files of these endings are never web pages, unless a sign-in page was saved instead of them
DOWNLOADS = {
    ".pdf": "PDF",
    ".docx": "Word document",
    ".xlsx": "spreadsheet",
    ".epub": "EPUB book",
    ".pptx": "PowerPoint presentation",
    ".odt": "OpenDocument file",
    ".zip": "archive",
}


@dataclass(frozen=True)
class _Recognised:
    kind: str
    text: str = ""
    note: str = ""


def read_document(
    data: bytes, source: str, passwords: Sequence[str] = (), title: str = ""
) -> ReadResult:
    """Return the passages of a document, or why there are none.

    The content decides about the kind. The ending of the source's name decides only between kinds
    that the content allows. `passwords` are tried on an encrypted PDF or Office document.
    `title`, if there is one, stands for the document's own.
    """
    return read_raw_document(RawDocument(data, source, passwords=tuple(passwords), title=title))


def read_raw_document(document: RawDocument) -> ReadResult:
    """Return the same for a document that may be from an archive."""
    kind = ""
    try:
        if not document.data.strip():
            raise SkippedDocumentError("empty")
        if own_reader := own_reader_for(document):
            kind = own_reader.kind
            return _result(own_reader.read(document), document, _Recognised(kind))
        document = without_password(document)
        recognised = _recognise(document)
        kind = recognised.kind
        reading = reader_of(kind)(replace(document, text=recognised.text))
        return _result(reading, document, recognised)
    except SkippedDocumentError as reason:
        return ReadResult("skipped", str(reason), kind=kind)
    except UnreadableDocumentError as reason:
        return ReadResult("refused", _one_line(reason), left_out=reason.left_out, kind=kind)
    except MemoryError:  # a limit ends the reading; its report is not about the format
        raise
    # broken files make the libraries raise nearly anything; one of them must not end the ingest
    except Exception as error:
        name = kind.replace("-", " ") or "file"
        return ReadResult(
            "refused",
            f"not a readable {name}: {type(error).__name__}: {_one_line(error)}",
            kind=kind,
        )


def _one_line(reason: Exception) -> str:
    return safe_text(" ".join(str(reason).split()))[0]


def _result(reading: Reading, document: RawDocument, recognised: _Recognised) -> ReadResult:
    own = reading.title or _stem(document.source)
    passages = reading.passages
    if document.title:
        passages = tuple(_titled(passage, own, document.title) for passage in passages)
    passages, removed = safe_passages(passages, safe_text(document.title or own)[0])
    note = "; ".join(filter(None, (recognised.note, reading.note)))
    left_out = (*reading.left_out, *removed)
    kind = reading.kind or recognised.kind
    return ReadResult("read", safe_text(note)[0], passages, left_out, kind)


def _titled(passage: Passage, own: str, title: str) -> Passage:
    """Return a passage whose title begins with what the library calls its document."""
    rest = passage.title.removeprefix(own).lstrip(" /") if own else passage.title
    return replace(passage, title=f"{title} / {rest}" if rest else title)


def _stem(source: str) -> str:
    """Return the name of a file without its endings: "Map" for "Map.excalidraw.md"."""
    path = PurePath(source)
    return path.stem.removesuffix(".excalidraw") if path.stem != "-" else ""


def _recognise(document: RawDocument) -> _Recognised:
    """Return the kind, and the text of a text format. Raise UnreadableDocumentError for others."""
    ending = PurePath(document.source).suffix.lower()
    check_name(document.source)
    if kind := binary_kind(document.data, ending):
        return _Recognised(kind)
    if looks_binary(document.data):
        raise UnreadableDocumentError(f"not text but a binary file; readable kinds: {FORMATS}")
    text, note = decode_text(document.data)
    kind = text_kind(text, ending)
    if ending in DOWNLOADS:
        _refuse_download(kind, DOWNLOADS[ending])
    check_text(text, kind, ending)
    return _Recognised(kind if kind in READERS else "text", text, note)


def _refuse_download(kind: str, name: str) -> None:
    if kind == "web-page":
        raise UnreadableDocumentError(
            f"it is a web page, not a {name}: perhaps a sign-in page; download the {name} again"
        )
    start = f", it does not begin with {PDF_MAGIC.decode()}" if name == "PDF" else ""
    raise UnreadableDocumentError(f"not a readable {name}: it is plain text{start}")
