"""Characters of a PDF page to segments: what is drawn side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daydream_memory.reading.pdf_boxes import Flags, GlyphRow, PageBox

SEGMENT_GAP = 0.55  # of the font's size: a wider gap may be one between columns
BACK_STEP = 0.6
SAME_LINE = 0.45
TRACKED_GAP = 0.08  # of the font's size: letters with wider gaps are set apart
UNEVEN_MAX = 0.01  # of the font's size: what PDFium's rounding makes of one size
SPACES_MAX = 0.25  # of the characters of a line whose letters are not set apart


@dataclass(frozen=True)
class Segment(PageBox):
    """Characters that are drawn one beside the other.

    `has_words`: its text has its words as they are: single spaces, and no other gaps.
    """

    glyphs: GlyphRow
    has_words: bool


def segments_of(glyphs: GlyphRow) -> list[Segment]:
    """Return the segments in the order in which they are drawn, without spaces at their ends."""
    bounds = _bounds(glyphs)
    if not bounds:
        return []
    starts, ends = np.array(bounds).T
    both = np.array(bounds).ravel()
    lefts = np.minimum.reduceat(np.append(glyphs.left, np.inf), both)[::2].tolist()
    rights = np.maximum.reduceat(np.append(glyphs.right, -np.inf), both)[::2].tolist()
    sizes = np.append(glyphs.sizes, 0.0)
    heights = np.maximum.reduceat(sizes, both)[::2]
    is_even = heights - np.minimum.reduceat(sizes, both)[::2] <= UNEVEN_MAX * heights
    has_words = is_even & _have_no_gaps(glyphs, starts, ends)
    segments = []
    for number, (start, end) in enumerate(bounds):
        part = glyphs.part(start, end)
        place = 0 if is_even[number] else _typical(part)
        _, bottom, _, top = part.boxes[place].tolist()
        words = bool(has_words[number]) and _has_single_spaces(part.text)
        segments.append(Segment(lefts[number], bottom, rights[number], top, part, words))
    return segments


def _bounds(glyphs: GlyphRow) -> list[tuple[int, int]]:
    """Return where each segment begins and ends."""
    breaks = (np.flatnonzero(~_continue(glyphs)) + 1).tolist() if glyphs.text else []
    bounds = []
    for start, end in zip([0, *breaks], [*breaks, len(glyphs)], strict=True):
        text = glyphs.text[start:end]
        first = start + len(text) - len(text.lstrip(" "))
        last = start + len(text.rstrip(" "))
        if last > first:
            bounds.append((first, last))
    return bounds


def _continue(glyphs: GlyphRow) -> Flags:
    """Return for each character but the first whether it is drawn beside the one before it."""
    sizes, middles = glyphs.sizes, glyphs.middles
    size = np.maximum(sizes[1:], sizes[:-1])
    same_line = np.abs(middles[1:] - middles[:-1]) <= SAME_LINE * size
    gap = glyphs.left[1:] - glyphs.right[:-1]
    result: Flags = same_line & (-BACK_STEP * size <= gap) & (gap <= SEGMENT_GAP * size)
    return result


def _have_no_gaps(glyphs: GlyphRow, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> Flags:
    """Return for each segment whether none of its letters is set apart from the next."""
    sizes, is_space = glyphs.sizes, glyphs.are(" ")
    gaps = glyphs.left[1:] - glyphs.right[:-1]
    is_wide = gaps > TRACKED_GAP * np.maximum(sizes[1:], sizes[:-1])
    is_wide &= ~(is_space[1:] | is_space[:-1])
    wide_before = np.concatenate(([0], np.cumsum(is_wide)))
    result: Flags = wide_before[ends - 1] == wide_before[starts]
    return result


def _has_single_spaces(text: str) -> bool:
    return "  " not in text and text.count(" ") <= SPACES_MAX * len(text)


def _typical(glyphs: GlyphRow) -> int:
    """Return the place of a character with the median height.

    One tall bracket or one raised digit does not change the height of a line.
    """
    sizes = glyphs.sizes
    return int((sizes == np.sort(sizes)[len(sizes) // 2]).argmax())
