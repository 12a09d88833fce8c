"""Bytes to passages: detect the format, decode, split at headings, pages and records.

The result says what was done. A document that cannot be read never stops a whole ingest. Each
format's module is imported with its first document: all of them together take a third of the
memory's start.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from typing import TypeVar

from daydream_memory.reading.passages import (
    DocumentMetadata,
    LeftOut,
    Passage,
    PassageKind,
    Passages,
    ReadResult,
    UnreadableDocumentError,
)
from daydream_memory.reading.text import decode, looks_binary

__all__ = [
    "FORMATS",
    "DocumentMetadata",
    "LeftOut",
    "Passage",
    "PassageKind",
    "ReadResult",
    "read_document",
]

FORMATS = "text, Markdown, HTML, PDF, DOCX, JSON Lines, CSV and BibTeX"
ContentT = TypeVar("ContentT", bytes, str)
# by suffix: "module:function"
BINARY_READERS = {".pdf": "pages:read_pdf", ".docx": "pages:read_docx"}
TEXT_READERS = {
    **dict.fromkeys((".md", ".markdown", ".mdown"), "markdown:read_markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "pages:read_html"),
    **dict.fromkeys((".jsonl", ".ndjson"), "records:read_json_lines"),
    ".csv": "records:read_table",
    ".tsv": "records:read_tab_separated_table",
    **dict.fromkeys((".bib", ".bibtex"), "bibtex:read_bibtex"),
}
PDF_MAGIC = b"%PDF-"


def read_document(data: bytes, source: str) -> ReadResult:
    """Return the passages of a document, or why there are none.

    The suffix of the source's name decides about the format, else it is plain text. A PDF is
    recognized by its content.
    """
    if not data.strip():
        return ReadResult("skipped", "empty")
    suffix = ".pdf" if data.startswith(PDF_MAGIC) else PurePath(source).suffix.lower()
    try:
        if suffix in BINARY_READERS:
            passages, note = _read(BINARY_READERS[suffix], data)
            return ReadResult("read", note, passages)
        return _read_text(data, suffix)
    except UnreadableDocumentError as reason:
        return ReadResult("refused", str(reason))


def _read_text(data: bytes, suffix: str) -> ReadResult:
    if looks_binary(data):
        raise UnreadableDocumentError(f"not text but a binary file; readable formats: {FORMATS}")
    text, decoding_note = decode(data)
    if suffix not in TEXT_READERS:
        return ReadResult("read", decoding_note, (Passage(text),))
    passages, note = _read(TEXT_READERS[suffix], text)
    return ReadResult("read", "; ".join(filter(None, (decoding_note, note))), passages)


def _read(reader: str, content: ContentT) -> Passages:
    module, _, function = reader.partition(":")
    read: Callable[[ContentT], Passages] = getattr(import_module(f"{__name__}.{module}"), function)
    return read(content)
