"""JSON Lines and tables to passages: one for each record with a text."""

from __future__ import annotations

import csv
import io
import json

from daydream_memory.reading.markdown import LINE_END
from daydream_memory.reading.metadata import TEXT_FIELDS, TITLE_FIELDS, field, metadata_of
from daydream_memory.reading.passages import (
    Passage,
    Passages,
    UnreadableDocumentError,
    left_out,
)

SNIFF_CHARS = 64_000
FIELD_CHARS_MAX = 10_000_000
PROSE_CHARS = 40  # a column of texts has at least this many characters per cell, on average
DELIMITERS = ",;\t|"
NAMES_SUGGESTED = 4


def read_json_lines(text: str) -> Passages:
    """Return the passages, and how many lines were left out."""
    lines = [line for line in LINE_END.split(text) if line.strip()]
    read = [_passage(line) for line in lines]
    passages = tuple(passage for passage in read if passage is not None)
    if not passages:
        raise UnreadableDocumentError(f"no record has a text under one of {', '.join(TEXT_FIELDS)}")
    count = len(lines) - len(passages)
    return passages, left_out(
        count, "line without a usable record", "lines without a usable record"
    )


def _passage(line: str) -> Passage | None:
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return None
    if isinstance(record, str):
        record = {"text": record}
    if not isinstance(record, dict):
        return None
    text = field(record, TEXT_FIELDS)
    return Passage(text, field(record, TITLE_FIELDS), metadata_of(record)) if text else None


def read_table(text: str, delimiter: str = "") -> Passages:
    """Return the rows of a table with a header.

    Their text is in a column with one of the known names, or in the one with the longest texts.
    """
    csv.field_size_limit(FIELD_CHARS_MAX)
    rows = _rows(text, delimiter or _delimiter(text))
    column = _text_column(rows)
    passages = tuple(
        Passage(cell, field(row, TITLE_FIELDS), metadata_of(row))
        for row in rows
        if (cell := str(row.get(column) or "").strip())
    )
    skipped = left_out(len(rows) - len(passages), "row without one", "rows without one")
    return passages, "; ".join(filter(None, (f"texts are from the column {column!r}", skipped)))


def read_tab_separated_table(text: str) -> Passages:
    """Return the passages of a table whose columns are known to be separated by tabs."""
    return read_table(text, delimiter="\t")


def _delimiter(text: str) -> str:
    try:
        return csv.Sniffer().sniff(text[:SNIFF_CHARS], DELIMITERS).delimiter
    except csv.Error:  # a single column, or cells that hold the delimiters as well
        return ","


def _rows(text: str, delimiter: str) -> list[dict[str, str]]:
    file = io.StringIO(text, newline="")
    try:
        return list(csv.DictReader(file, delimiter=delimiter, restkey="", restval=""))
    except csv.Error as error:
        raise UnreadableDocumentError(f"not a readable table: {error}") from None


def _text_column(rows: list[dict[str, str]]) -> str:
    columns = [name for name in (rows[0] if rows else {}) if isinstance(name, str) and name]
    named = [name for known in TEXT_FIELDS for name in columns if name.strip().lower() == known]
    if named:
        return named[0]
    mean_chars = {
        name: sum(len(str(row.get(name) or "")) for row in rows) / len(rows) for name in columns
    }
    longest = max(mean_chars, key=lambda name: mean_chars[name], default="")
    if not longest or mean_chars[longest] < PROSE_CHARS:
        names = " or ".join(TEXT_FIELDS[:NAMES_SUGGESTED])
        raise UnreadableDocumentError(f"no column holds texts; name one {names}")
    return longest
