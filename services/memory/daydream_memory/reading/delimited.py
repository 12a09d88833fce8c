"""Comma-separated and other delimited text to rows of cells."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath

from daydream_memory.reading.passages import RawDocument, Reading, UnreadableDocumentError
from daydream_memory.reading.tables import read_rows

SNIFF_CHARS = 64_000
SNIFF_ROWS = 50
FIELD_CHARS_MAX = 10_000_000
DELIMITERS = "\t;,|"
ROWS_MAX = 5_000_000


def read_delimited(document: RawDocument) -> Reading:
    """Return a passage for each row with a text. Raise UnreadableDocumentError if none has one."""
    csv.field_size_limit(FIELD_CHARS_MAX)
    text = document.text.replace("\x00", "")
    is_tabbed = PurePath(document.source).suffix.lower() == ".tsv"
    delimiter = "\t" if is_tabbed else delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or ",")
    try:
        rows = [row for row, _ in zip(reader, range(ROWS_MAX), strict=False)]
    except csv.Error as error:
        raise UnreadableDocumentError(f"not a readable table: {error}") from None
    return read_rows(rows)


def delimiter_of(text: str) -> str:
    """Return what separates the cells: the sign that gives most rows the same number of cells.

    "" for a text in which no sign does.
    """
    best, best_score = "", 0.0
    for delimiter in DELIMITERS:
        counts = _cells_per_row(text[:SNIFF_CHARS], delimiter)
        if not counts:
            continue
        cells, rows = max(Counter(counts).items(), key=lambda item: (item[1], item[0]))
        if cells < 2:
            continue
        score = rows / len(counts) + min(cells, 9) / 100
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _cells_per_row(text: str, delimiter: str) -> list[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [len(row) for row in _first(reader) if row]
    except csv.Error:
        return []


def _first(rows: Iterable[list[str]]) -> list[list[str]]:
    return [row for row, _ in zip(rows, range(SNIFF_ROWS), strict=False)]
