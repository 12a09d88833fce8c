"""Bytes to passages: detect the format, decode, split at headings, pages and records.

The result says what was done. A document that cannot be read never stops a whole ingest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import PurePath

from daydream_memory.reading.bibtex import read_bibtex
from daydream_memory.reading.markdown import read_markdown
from daydream_memory.reading.pages import read_docx, read_html, read_pdf
from daydream_memory.reading.passages import (
    DocumentMetadata,
    Passage,
    Passages,
    ReadResult,
    UnreadableDocumentError,
)
from daydream_memory.reading.records import read_json_lines, read_table
from daydream_memory.reading.text import decode, looks_binary

__all__ = ["FORMATS", "DocumentMetadata", "Passage", "ReadResult", "read_document"]

FORMATS = "text, Markdown, HTML, PDF, DOCX, JSON Lines, CSV and BibTeX"
BINARY_READERS: dict[str, Callable[[bytes], Passages]] = {".pdf": read_pdf, ".docx": read_docx}
TEXT_READERS: dict[str, Callable[[str], Passages]] = {
    **dict.fromkeys((".md", ".markdown", ".mdown"), read_markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
    **dict.fromkeys((".jsonl", ".ndjson"), read_json_lines),
    ".csv": read_table,
    ".tsv": partial(read_table, delimiter="\t"),
    **dict.fromkeys((".bib", ".bibtex"), read_bibtex),
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
            passages, note = BINARY_READERS[suffix](data)
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
    passages, note = TEXT_READERS[suffix](text)
    return ReadResult("read", "; ".join(filter(None, (decoding_note, note))), passages)
