"""Lines of a PDF page to paragraphs, by distance, indent and size."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from itertools import pairwise

from daydream_memory.reading.pdf_lines import Line

DISTANCE = 1.45  # times the usual distance of lines: a new paragraph
INDENT = 0.8  # of the font's size
SHORT_LINE = 0.85  # of the column's width: where a paragraph may end
SIZE_CHANGE = 1.15
SENTENCE_END = re.compile(r"[.!?。！？:][\"'”’)\]]*$")
ITEM = re.compile(r"^(?:[•‣▪◦●■–—*]|\(?\d{1,2}[.)]|\[\d+\])\s")


def paragraphs_of(lines: Sequence[Line]) -> list[list[str]]:
    """Return the lines of each paragraph of a page. One may run on in the next column."""
    usual = _usual_distance(lines)
    paragraphs: list[list[str]] = []
    columns: dict[int, list[Line]] = {}
    for line in lines:
        columns.setdefault(line.column, []).append(line)
    before: Line | None = None
    for line in lines:
        column = columns[line.column]
        if before is None or _begins(before, line, column, usual):
            paragraphs.append([])
        paragraphs[-1].append(line.text)
        before = line
    return paragraphs


def _usual_distance(lines: Sequence[Line]) -> float:
    distances = [
        before.bottom - line.bottom
        for before, line in pairwise(lines)
        if before.column == line.column and before.bottom > line.bottom
    ]
    return statistics.median_low(distances) if distances else 0.0


def _begins(before: Line, line: Line, column: Sequence[Line], usual: float) -> bool:
    if ITEM.match(line.text):
        return True
    ratio = max(before.size, line.size) / max(0.1, min(before.size, line.size))
    if ratio > SIZE_CHANGE:
        return True
    if before.column != line.column:
        return bool(SENTENCE_END.search(before.text)) or not line.text[:1].islower()
    if usual and before.bottom - line.bottom > usual * DISTANCE:
        return True
    left = min(other.left for other in column)
    right = max(other.right for other in column)
    indented = line.left - left > INDENT * line.size and before.left - left < INDENT * line.size
    short = before.right - left < SHORT_LINE * (right - left)
    return bool(SENTENCE_END.search(before.text)) and (indented or short)
