"""Rows of a plain text that is set in two columns: names, and what each means.

    :ts[elect] [tag]   list the matching tags and select one to jump to
    :lt[ag] [tag]      jump to a tag and add all matching tags to the
                       location list

Read line by line such a text mixes its rows. A text whose blanks only fill its lines has no place
where most lines have a gap.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

GAP = re.compile(r"(?<=\S)(?: {2,}|\t\s*)(?=\S)")
LINES_MIN = 3
SHARE_MIN = 0.6  # of the lines that begin a row
ROWS_MIN = 2
NAME_CHARS_MAX = 40
TAB_CHARS = 8


def rows_in_columns(lines: Sequence[str]) -> list[str]:
    """Return the rows as "name: meaning", an empty list for a text in one column."""
    if len(lines) < LINES_MIN or sum(bool(GAP.search(line)) for line in lines) < ROWS_MIN:
        return []
    even = [line.expandtabs(TAB_CHARS).rstrip() for line in lines]
    column = _second_column(even)
    if not column:
        return []
    rows: list[tuple[str, list[str]]] = []
    for line in even:
        name, meaning = line[:column].strip(), line[column:].strip()
        if name and not line[column - 1 : column].isspace():  # too long for its column
            name, meaning = _at_gap(line)
        if name or not rows:
            rows.append((name, [meaning]))
        else:
            rows[-1][1].append(meaning)
    return [_row(name, " ".join(parts)) for name, parts in rows]


def _second_column(lines: Sequence[str]) -> int:
    """Return where the second column begins, 0 if there is none."""
    starts: Counter[int] = Counter()
    for line in lines:
        starts.update({gap.end() for gap in GAP.finditer(line) if gap.end() <= NAME_CHARS_MAX})
    if not starts:
        return 0
    column, rows = starts.most_common(1)[0]
    first = [line for line in lines if _indent(line) < column - 1]
    return column if rows >= ROWS_MIN and rows >= SHARE_MIN * len(first) else 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _at_gap(line: str) -> tuple[str, str]:
    gap = GAP.search(line)
    return (line[: gap.start()].strip(), line[gap.end() :].strip()) if gap else (line.strip(), "")


def _row(name: str, meaning: str) -> str:
    return f"{' '.join(name.split())}: {meaning}" if name and meaning else name or meaning
