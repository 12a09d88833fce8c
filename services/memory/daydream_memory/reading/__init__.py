"""Bytes to passages: tell the format, decode, split at headings, pages and records. Says what it did; never stops a whole ingest."""

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
    ReadResult,
    UnreadableDocumentError,
)
from daydream_memory.reading.records import read_json_lines, read_table
from daydream_memory.reading.text import decode, looks_binary

__all__ = ["FORMATS", "DocumentMetadata", "Passage", "ReadResult", "read_document"]

Found = tuple[tuple[Passage, ...], str]
FORMATS = "text, Markdown, HTML, PDF, DOCX, JSON Lines, CSV and BibTeX"
OF_BYTES: dict[str, Callable[[bytes], Found]] = {".pdf": read_pdf, ".docx": read_docx}
OF_TEXT: dict[str, Callable[[str], Found]] = {
    **dict.fromkeys((".md", ".markdown", ".mdown"), lambda text: (tuple(read_markdown(text)), "")),
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
    **dict.fromkeys((".jsonl", ".ndjson"), read_json_lines),
    ".csv": read_table,
    ".tsv": partial(read_table, delimiter="\t"),
    **dict.fromkeys((".bib", ".bibtex"), read_bibtex),
}


def read_document(data: bytes, source: str) -> ReadResult:
    """The passages of a document, or why there are none. The format is that of the ending of its name, else plain text."""
    if not data.strip():
        return ReadResult("skipped", "empty")
    suffix = PurePath(source).suffix.lower()
    try:
        if data.startswith(b"%PDF-"):
            suffix = ".pdf"
        if suffix in OF_BYTES:
            passages, note = OF_BYTES[suffix](data)
            return ReadResult("read", note, passages)
        if looks_binary(data):
            return ReadResult("refused", f"not text (a binary file); only {FORMATS} can be read")
        text, remark = decode(data)
        passages, note = OF_TEXT[suffix](text) if suffix in OF_TEXT else ((Passage(text),), "")
    except UnreadableDocumentError as reason:
        return ReadResult("refused", str(reason))
    return ReadResult("read", "; ".join(filter(None, (remark, note))), passages)
