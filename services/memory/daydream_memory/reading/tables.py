"""Rows of cells to passages: one for each row, with the text of the columns that hold sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from daydream_memory.reading.cell_markup import plain_words
from daydream_memory.reading.metadata import TEXT_FIELDS, TITLE_FIELDS, field, metadata_of
from daydream_memory.reading.passages import Passage, Reading, UnreadableDocumentError, counted

PROSE_CHARS = 40  # a column of texts has at least this many characters per cell, on average
PROSE_WORDS = 4
HEADING_CHARS_MAX = 60
NAMES_SUGGESTED = 4
ROWS_SAMPLED = 500
COLUMNS_MAX = 2_000
NO_VALUES = frozenset(
    (
        "",
        "n/a",
        "na",
        "n.a.",
        "none",
        "null",
        "nan",
        "-",
        "--",
        "–",
        "—",
        "?",
        "tbd",
        "tba",
        "k.a.",
        "keine angabe",
        "not available",
        "no abstract",
        "no abstract available",
        "#n/a",
        "nil",
    )
)
WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
WIDE_CHARS = 2.5  # Latin characters that a Chinese, Japanese or Korean one stands for
NUMBER = re.compile(r"^[\s\d.,:/%+\-–eE€$£°()]+$")
TITLE_COLUMNS = (
    *TITLE_FIELDS,
    *("titel", "titre", "título", "titolo", "question", "subject", "topic"),
    *("题目", "标题", "タイトル", "題名"),
)


@dataclass(frozen=True)
class _Columns:
    """The names of the columns ("" for unnamed ones), the rows below them, and which hold text."""

    names: list[str]
    rows: list[list[str]]
    texts: list[int]


def read_rows(rows: Sequence[Sequence[str]], title: str = "") -> Reading:
    """Return the rows that have a text. The first may be the names of the columns.

    Raise UnreadableDocumentError if no column holds texts.
    """
    cells = [[cell.strip() for cell in row[:COLUMNS_MAX]] for row in rows]
    table = _columns(_without_remarks([row for row in cells if any(row)]))
    if not table.texts:
        raise UnreadableDocumentError(
            f"no column holds texts; name one {' or '.join(TEXT_FIELDS[:NAMES_SUGGESTED])}"
        )
    passages = [_passage(row, table, title) for row in table.rows]
    kept = tuple(passage for passage in passages if passage is not None)
    names = [repr(table.names[at]) if table.names[at] else str(at + 1) for at in table.texts]
    note = f"texts are from the column{'s' * (len(names) > 1)} {', '.join(names)}"
    missing = len(passages) - len(kept)
    return Reading(
        kept, tuple(counted("rows", missing, "row without a text", "rows without a text")), note
    )


def _without_remarks(rows: list[list[str]]) -> list[list[str]]:
    """Return the rows without those above the table that have one cell, such as "# exported"."""
    wide = sum(len(row) > 1 for row in rows)
    if 2 * wide <= len(rows):
        return rows
    first = next((place for place, row in enumerate(rows) if len(row) > 1), 0)
    return rows[first:]


def _passage(row: list[str], table: _Columns, title: str) -> Passage | None:
    texts = [plain_words(row[at]) for at in table.texts if at < len(row) and has_value(row[at])]
    if not texts:
        return None
    named = {
        name: cell
        for at, (name, cell) in enumerate(zip(table.names, row, strict=False))
        if name and at not in table.texts and has_value(cell)
    }
    heading = field(named, TITLE_COLUMNS) or title
    return Passage("\n\n".join(texts), heading, metadata_of(named))


def has_value(cell: str) -> bool:
    """Return whether a cell says something."""
    return cell.strip().lower() not in NO_VALUES


def text_chars(text: str) -> float:
    """Return the length of a text in characters, those of wide scripts counted by what they say."""
    return len(text) + (WIDE_CHARS - 1) * len(WIDE.findall(text))


def is_prose(text: str) -> bool:
    """Return whether a cell reads like a sentence."""
    words = len(text.split()) + len(WIDE.findall(text)) / 2
    return text_chars(text) >= PROSE_CHARS and words >= PROSE_WORDS


def _columns(rows: list[list[str]]) -> _Columns:
    width = max((len(row) for row in rows), default=0)
    names = [""] * width
    if _is_heading(rows):
        first, *rows = rows
        names = [*first, *names[len(first) :]]
    return _Columns(names, rows, _text_columns(names, rows))


def _is_heading(rows: list[list[str]]) -> bool:
    """Return whether the first row names the columns: short words, all different, no numbers."""
    first = [cell for cell in (rows[0] if rows else []) if cell]
    if not first or any(
        len(cell) > HEADING_CHARS_MAX or is_prose(cell) or NUMBER.match(cell) for cell in first
    ):
        return False
    if len({cell.lower() for cell in first}) < len(first):
        return False
    known = {*TEXT_FIELDS, *TITLE_COLUMNS}
    if any(cell.lower() in known for cell in first):
        return True
    below = [row for row in rows[1:ROWS_SAMPLED] if any(row)]
    return any(
        len(row) > at and (is_prose(row[at]) or NUMBER.match(row[at]))
        for row in below
        for at, cell in enumerate(rows[0])
        if cell
    )


def _text_columns(names: list[str], rows: list[list[str]]) -> list[int]:
    """Return the columns with sentences, a known name first; else the column with a known name."""
    sample = rows[:ROWS_SAMPLED]
    values = {
        at: [row[at] for row in sample if at < len(row) and has_value(row[at])]
        for at in range(len(names))
    }
    prose = [
        at
        for at, cells in values.items()
        if cells
        and sum(map(text_chars, cells)) / len(cells) >= PROSE_CHARS
        and 2 * sum(map(is_prose, cells)) >= len(cells)
        and names[at].strip().lower() not in TITLE_FIELDS
    ]
    if prose:
        return prose
    order = {name: place for place, name in enumerate(TEXT_FIELDS)}
    known = [at for at, name in enumerate(names) if name.lower() in order and values[at]]
    return sorted(known, key=lambda at: order[names[at].lower()])[:1]
