"""Tables of reStructuredText that are drawn with lines: rows as words, with the columns' names.

A grid table has a rule between two rows, so that a cell may have several lines. A simple table has
rules above, below its names and at its end. A line of it without a first cell continues a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from daydream_memory.reading.markup_tables import row_text

GRID_RULE = re.compile(r"^\s*\+(?:[-=]{2,}\+)+\s*$")
SIMPLE_RULE = re.compile(r"^\s*={2,}(?: +={2,})+\s*$")
COLUMN = re.compile(r"=+")
Row = list[str]


def table_at(lines: Sequence[str], place: int) -> tuple[int, list[str]]:
    """Return the place behind the table that begins here, and its rows. The same place for none."""
    if GRID_RULE.match(lines[place]):
        return _grid(lines, place)
    if SIMPLE_RULE.match(lines[place]):
        return _simple(lines, place)
    return place, []


def _grid(lines: Sequence[str], place: int) -> tuple[int, list[str]]:
    bounds = [at for at, sign in enumerate(lines[place]) if sign == "+"]
    rows: list[Row] = []
    headings: Row = []
    cells = [""] * (len(bounds) - 1)
    end = place
    while end < len(lines) and lines[end].lstrip().startswith(("+", "|")):
        line = lines[end]
        end += 1
        if not line.lstrip().startswith("+"):
            cells = _added(cells, _sliced(line.replace("|", " "), bounds))
            continue
        if any(cells):
            rows.append(cells)
            cells = [""] * (len(bounds) - 1)
        if "=" in line and not headings:
            headings, rows = (rows[-1] if rows else []), rows[:-1]
    return end, _texts(rows, headings)


def _simple(lines: Sequence[str], place: int) -> tuple[int, list[str]]:
    starts = [column.start() for column in COLUMN.finditer(lines[place])]
    rules = [
        at
        for at in range(place, min(len(lines), _paragraphs_end(lines, place)))
        if SIMPLE_RULE.match(lines[at])
    ]
    if len(rules) < 2:
        return place, []
    bounds = [*starts, max(map(len, lines[place : rules[-1]]))]
    groups = [
        _joined([_sliced(line, bounds) for line in lines[start + 1 : end] if line.strip()])
        for start, end in pairwise(rules)
    ]
    headings = groups[0][-1] if len(groups) > 1 and groups[0] else []
    rows = [row for group in (groups[1:] if len(groups) > 1 else groups) for row in group]
    return rules[-1] + 1, _texts(rows, headings)


def _paragraphs_end(lines: Sequence[str], place: int) -> int:
    """Return where the table may end at the latest: behind a rule with a blank line after it."""
    rules = 0
    for at in range(place, len(lines)):
        rules += bool(SIMPLE_RULE.match(lines[at]))
        behind = lines[at + 1] if at + 1 < len(lines) else ""
        if rules >= 2 and SIMPLE_RULE.match(lines[at]) and not behind.strip():
            return at + 1
    return len(lines)


def _joined(rows: Sequence[Row]) -> list[Row]:
    """Return rows of which each line without a first cell continues the row before."""
    joined: list[Row] = []
    for row in rows:
        if joined and row and not row[0]:
            joined[-1] = _added(joined[-1], row)
        else:
            joined.append(row)
    return joined


def _sliced(line: str, bounds: Sequence[int]) -> Row:
    ends = [*bounds[1:-1], max(bounds[-1], len(line))]
    return [line[start:end].strip() for start, end in zip(bounds[:-1], ends, strict=True)]


def _added(cells: Row, next_line: Row) -> Row:
    return [f"{cell} {rest}".strip() for cell, rest in zip(cells, next_line, strict=True)]


def _texts(rows: Sequence[Row], headings: Row) -> list[str]:
    texts = (row_text(row, headings) for row in rows if any(row))
    return [text for text in texts if text]
