"""Characters of a PDF page to lines of words, column by column.

Data: characters in drawing order → segments (what is drawn side by side) → columns → lines. A PDF
has no words: a space is a gap that is wider than the usual one between the letters of its line, so
letter-spaced words stay whole.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from daydream_memory.reading.pdf_columns import in_reading_order
from daydream_memory.reading.pdf_glyphs import Glyph
from daydream_memory.reading.raised import raised

SEGMENT_GAP = 0.55  # of the font's size: a wider gap may be one between columns
BACK_STEP = 0.6
SAME_LINE = 0.45
WORD_GAP = 0.17  # of the font's size, beyond the usual gap between letters
LETTER_GAPS_MIN = 6
TRACKED_GAP = 0.08
SINGLE_LETTERS_SHARE = 0.6
RAISED_SIZE, RAISED_BY = 0.8, 0.2  # of the size of the line's font


@dataclass(frozen=True)
class Segment:
    """Characters that are drawn one beside the other."""

    glyphs: tuple[Glyph, ...]
    left: float
    bottom: float
    right: float
    top: float

    @property
    def size(self) -> float:
        """The height of its font in points."""
        return self.top - self.bottom


@dataclass(frozen=True)
class Line:
    """A line of a column: its words, its box in points, and the number of its column."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    column: int

    @property
    def size(self) -> float:
        """The height of its font in points."""
        return self.top - self.bottom


def lines_of(glyphs: Sequence[Glyph]) -> list[Line]:
    """Return the lines of a page in reading order."""
    segments = _segments(glyphs)
    lines: list[Line] = []
    for number, column in enumerate(in_reading_order(segments)):
        lines += [line for line in _column_lines(column, number) if line.text]
    return lines


def _segments(glyphs: Sequence[Glyph]) -> list[Segment]:
    segments: list[Segment] = []
    current: list[Glyph] = []
    for glyph in glyphs:
        if current and not _continues(current[-1], glyph):
            segments += _segment(current)
            current = []
        current.append(glyph)
    return segments + _segment(current)


def _continues(before: Glyph, glyph: Glyph) -> bool:
    size = max(before.size, glyph.size)
    same_line = abs(glyph.middle - before.middle) <= SAME_LINE * size
    return same_line and -BACK_STEP * size <= glyph.left - before.right <= SEGMENT_GAP * size


def _segment(glyphs: list[Glyph]) -> list[Segment]:
    while glyphs and glyphs[-1].text == " ":
        glyphs = glyphs[:-1]
    while glyphs and glyphs[0].text == " ":
        glyphs = glyphs[1:]
    if not glyphs:
        return []
    # the median: one tall bracket or one raised digit does not change the height of a line
    heights = statistics.median_high([glyph.size for glyph in glyphs])
    typical = next(glyph for glyph in glyphs if glyph.size == heights)
    left, right = min(glyph.left for glyph in glyphs), max(glyph.right for glyph in glyphs)
    return [Segment(tuple(glyphs), left, typical.bottom, right, typical.top)]


def _column_lines(segments: Sequence[Segment], column: int) -> list[Line]:
    """Join the segments of a column that lie side by side."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda segment: (-segment.top, segment.left)):
        row = rows[-1] if rows else []
        if row and _overlap(row[0], segment) > SAME_LINE * min(row[0].size, segment.size):
            row.append(segment)
        else:
            rows.append([segment])
    return [_line(sorted(row, key=lambda segment: segment.left), column) for row in rows]


def _overlap(first: Segment, second: Segment) -> float:
    return min(first.top, second.top) - max(first.bottom, second.bottom)


def _line(row: Sequence[Segment], column: int) -> Line:
    glyphs = [glyph for segment in row for glyph in segment.glyphs]
    widest = max(row, key=lambda segment: segment.right - segment.left)
    return Line(
        words_of(glyphs),
        row[0].left,
        widest.bottom,
        max(part.right for part in row),
        widest.top,
        column,
    )


def words_of(glyphs: Sequence[Glyph]) -> str:
    """Return the text of a line, with spaces where its words are apart."""
    letters = [glyph for glyph in glyphs if glyph.text != " "]
    usual = _usual_gap(letters)
    glyphs = _with_raised(glyphs, letters)
    spaced = usual > TRACKED_GAP * max(glyph.size for glyph in letters) if letters else False
    text, space = "", False
    before: Glyph | None = None
    for glyph in glyphs:
        if glyph.text == " ":
            space = True
            continue
        if before is not None:
            gap = glyph.left - before.right - usual
            wide = gap > WORD_GAP * max(glyph.size, before.size)
            # letters that are set apart may have a space between any two of them
            if wide if spaced else wide or space:
                text += " "
        text += glyph.text
        before, space = glyph, False
    return _joined_letters(re.sub(r" {2,}", " ", text).strip())


def _with_raised(glyphs: Sequence[Glyph], letters: Sequence[Glyph]) -> Sequence[Glyph]:
    """Return the characters of a line, with small digits above it as raised ones."""
    if len(letters) < 2:
        return glyphs
    size = statistics.median(glyph.size for glyph in letters)
    floor = statistics.median(glyph.bottom for glyph in letters)
    return [
        replace(glyph, text=raised(glyph.text))
        if glyph.size < RAISED_SIZE * size and glyph.bottom > floor + RAISED_BY * size
        else glyph
        for glyph in glyphs
    ]


def _usual_gap(letters: Sequence[Glyph]) -> float:
    """Return the usual gap between letters, 0 where the line is too short to tell."""
    gaps = [
        after.left - before.right for before, after in pairwise(letters) if after.left > before.left
    ]
    if len(gaps) < LETTER_GAPS_MIN:
        return 0.0
    return max(0.0, statistics.median(gaps))


def _joined_letters(text: str) -> str:
    """Join the letters of words that are written as "T i d a l", with wider gaps between words."""
    words = text.split(" ")
    single = sum(len(word) == 1 and word.isalpha() for word in words)
    if len(words) < LETTER_GAPS_MIN or single < SINGLE_LETTERS_SHARE * len(words):
        return text
    return re.sub(r"(?<=\b\w) (?=\w\b)", "", text)
