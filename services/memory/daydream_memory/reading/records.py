"""JSON Lines and tables to passages: one for each record that has a text."""

from __future__ import annotations

import csv
import io
import json

from daydream_memory.reading.about import TEXT_FIELDS, TITLE_FIELDS, about_of, field
from daydream_memory.reading.markdown import LINE_END
from daydream_memory.reading.passages import Passage, UnreadableDocumentError

SNIFF_CHARS = 64_000
FIELD_CHARS_MAX = 10_000_000
PROSE_CHARS = 40  # a column whose cells are at least so long on average is one of texts


def read_json_lines(text: str) -> tuple[tuple[Passage, ...], str]:
    """The passages, and what was left out."""
    passages, bad = [], 0
    for line in LINE_END.split(text):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            record = None
        record = {"text": record} if isinstance(record, str) else record
        found = field(record, TEXT_FIELDS) if isinstance(record, dict) else ""
        if found:
            passages.append(Passage(found, field(record, TITLE_FIELDS), about_of(record)))
        else:
            bad += 1
    if not passages:
        raise UnreadableDocumentError(f"no record has a text under one of {', '.join(TEXT_FIELDS)}")
    return tuple(passages), f"{bad} lines without a usable record were left out" if bad else ""


def read_table(text: str, delimiter: str = "") -> tuple[tuple[Passage, ...], str]:
    """Rows of a table with a header. Their text is in a column that is named so, or in the one with the longest texts."""
    csv.field_size_limit(FIELD_CHARS_MAX)
    try:
        delimiter = delimiter or csv.Sniffer().sniff(text[:SNIFF_CHARS], ",;\t|").delimiter
    except csv.Error:  # a single column, or cells that hold the separators as well
        delimiter = ","
    try:
        rows = list(
            csv.DictReader(
                io.StringIO(text, newline=""), delimiter=delimiter, restkey="", restval=""
            )
        )
    except csv.Error as error:
        raise UnreadableDocumentError(f"not a table that can be read: {error}") from None
    column = _text_column(rows)
    passages = tuple(
        Passage(text, field(row, TITLE_FIELDS), about_of(row))
        for row in rows
        if (text := str(row.get(column) or "").strip())
    )
    bad = len(rows) - len(passages)
    return passages, f"the texts are those of the column {column!r}" + (
        f"; {bad} rows without one were left out" if bad else ""
    )


def _text_column(rows: list[dict[str, str]]) -> str:
    columns = [name for name in (rows[0] if rows else {}) if isinstance(name, str) and name]
    named = [name for wanted in TEXT_FIELDS for name in columns if name.strip().lower() == wanted]
    if named:
        return named[0]
    mean = {
        name: sum(len(str(row.get(name) or "")) for row in rows) / len(rows) for name in columns
    }
    longest = max(mean, key=lambda name: mean[name], default="")
    if not longest or mean[longest] < PROSE_CHARS:
        raise UnreadableDocumentError(
            f"no column holds texts; name one {' or '.join(TEXT_FIELDS[:4])}"
        )
    return longest
