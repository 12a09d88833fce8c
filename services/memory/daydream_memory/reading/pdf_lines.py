"""Characters of a PDF page to lines of words, column by column.

Data: characters in drawing order → segments (what is drawn side by side) → columns → lines. A PDF
has no words: a space is a gap that is wider than the usual one between the letters of its line, so
letter-spaced words stay whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_memory.reading.pdf_boxes import GlyphRow, Numbers, PageBox, joined, median
from daydream_memory.reading.pdf_columns import in_reading_order
from daydream_memory.reading.pdf_segments import SAME_LINE, TRACKED_GAP, Segment, segments_of
from daydream_memory.reading.raised import raised

WORD_GAP = 0.17  # of the font's size, beyond the usual gap between letters
LETTER_GAPS_MIN = 6
SINGLE_LETTERS_SHARE = 0.6
RAISED_SIZE, RAISED_BY = 0.8, 0.2  # of the size of the line's font


@dataclass(frozen=True)
class Line(PageBox):
    """A line of a column: its words, its box, and the number of its column."""

    text: str
    column: int


def lines_of(glyphs: GlyphRow) -> list[Line]:
    """Return the lines of a page in reading order."""
    lines: list[Line] = []
    for number, column in enumerate(in_reading_order(segments_of(glyphs))):
        lines += [line for line in _column_lines(column, number) if line.text]
    return lines


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
    widest = max(row, key=lambda segment: segment.right - segment.left)
    right = max(segment.right for segment in row)
    glyphs = joined([segment.glyphs for segment in row])
    has_words = len(row) == 1 and row[0].has_words
    words = _joined_letters(_with_pairs(glyphs.text if has_words else words_of(glyphs)))
    return Line(row[0].left, widest.bottom, right, widest.top, words, column)


def words_of(glyphs: GlyphRow) -> str:
    """Return the text of a line, with spaces where its words are apart."""
    is_letter = ~glyphs.are(" ")
    places = np.flatnonzero(is_letter)
    if not len(places):
        return ""
    letters = glyphs.without(" ", is_letter)
    gaps = letters.left[1:] - letters.right[:-1]
    usual = _usual_gap(letters, gaps)
    sizes = letters.sizes
    apart = gaps - usual > WORD_GAP * np.maximum(sizes[1:], sizes[:-1])
    if usual <= TRACKED_GAP * sizes.max():
        apart |= places[1:] - places[:-1] > 1
    # else: letters that are set apart may have a space between any two of them
    texts = _with_raised(letters)
    ends = [*(np.flatnonzero(apart) + 1).tolist(), len(texts)]
    words = ["".join(texts[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    return re.sub(r" {2,}", " ", " ".join(words).strip())


def _with_raised(letters: GlyphRow) -> str | list[str]:
    """Return the characters of a line, with small digits above it as raised ones."""
    sizes = letters.sizes
    if len(letters) < 2 or sizes.min() == sizes.max():
        return letters.text
    size, floor = median(sizes), median(letters.bottom)
    small = (sizes < RAISED_SIZE * size) & (letters.bottom > floor + RAISED_BY * size)
    if not small.any():
        return letters.text
    return [
        raised(character) if is_small else character
        for character, is_small in zip(letters.text, small.tolist(), strict=True)
    ]


def _usual_gap(letters: GlyphRow, gaps: Numbers) -> float:
    """Return the usual gap between letters, 0 where the line is too short to tell."""
    onward = gaps[letters.left[1:] > letters.left[:-1]]
    if len(onward) < LETTER_GAPS_MIN:
        return 0.0
    return max(0.0, median(onward))


def _with_pairs(text: str) -> str:
    """Return the text with each surrogate pair as the one character that it stands for."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _joined_letters(text: str) -> str:
    """Join the letters of words that are written as "T i d a l", with wider gaps between words."""
    words = text.split(" ")
    single = sum(len(word) == 1 and word.isalpha() for word in words)
    if len(words) < LETTER_GAPS_MIN or single < SINGLE_LETTERS_SHARE * len(words):
        return text
    return re.sub(r"(?<=\b\w) (?=\w\b)", "", text)
