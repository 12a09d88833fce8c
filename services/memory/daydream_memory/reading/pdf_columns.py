"""Find the columns of a PDF page, and the order in which they are read.

A gutter is a strip that few segments cross. What crosses it (a title, a wide figure's caption)
divides the page into bands; in each band the left column is read first.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence, Sized
from typing import Protocol, TypeVar

import numpy as np

GUTTER_STEPS = 120
GUTTER_RANGE = (0.2, 0.8)  # of the width of the text: where a gutter may lie
GUTTER_WIDTH_MIN = 0.6  # of the font's size
CROSSING_SHARE_MAX = 0.35
COLUMN_LINES_MIN = 3
COLUMN_CHARS_MIN = 12  # the usual line of a column; cells of a table are shorter
DEPTH_MAX = 3


class PlacedText(Protocol):
    """A piece of text with its box."""

    @property
    def left(self) -> float: ...
    @property
    def right(self) -> float: ...
    @property
    def top(self) -> float: ...
    @property
    def bottom(self) -> float: ...
    @property
    def size(self) -> float: ...
    @property
    def glyphs(self) -> Sized: ...


TextT = TypeVar("TextT", bound=PlacedText)


def in_reading_order(segments: Sequence[TextT], depth: int = 0) -> Iterator[list[TextT]]:
    """Yield the segments of each column, or of each band over all columns, in reading order."""
    gutter = _gutter(segments) if depth < DEPTH_MAX else None
    if gutter is None:
        if segments:
            yield list(segments)
        return
    for band, crosses in _bands(segments, gutter):
        left = [segment for segment in band if segment.right <= gutter]
        right = [segment for segment in band if segment.right > gutter]
        if crosses or not _are_columns(left, right):
            yield band
        else:
            yield from in_reading_order(left, depth + 1)
            yield from in_reading_order(right, depth + 1)


def _gutter(segments: Sequence[TextT]) -> float | None:
    """Return the middle of the strip that fewest segments cross, None for text in one column."""
    if len(segments) < 2 * COLUMN_LINES_MIN:
        return None
    lefts = np.array([part.left for part in segments])
    rights = np.array([part.right for part in segments])
    start, width = lefts.min(), rights.max() - lefts.min()
    margin = GUTTER_WIDTH_MIN * statistics.median(part.size for part in segments) / 2
    steps = start + width * np.arange(GUTTER_STEPS + 1) / GUTTER_STEPS
    low, high = (start + width * share for share in GUTTER_RANGE)
    steps = steps[(low <= steps) & (steps <= high)]
    edges = steps[:, None]
    crossing = ((lefts < edges + margin) & (rights > edges - margin)).sum(1)
    best = steps[crossing == crossing.min()] if len(steps) else steps
    if not len(best) or crossing.min() >= len(segments) * CROSSING_SHARE_MAX:
        return None
    x = float(best[len(best) // 2])
    left = [part for part in segments if part.right <= x]
    right = [part for part in segments if part.left >= x]
    return x if _are_columns(left, right) else None


def _are_columns(left: Sequence[TextT], right: Sequence[TextT]) -> bool:
    return all(
        len({round(part.bottom) for part in side}) >= COLUMN_LINES_MIN
        and statistics.median(len(part.glyphs) for part in side) >= COLUMN_CHARS_MIN
        for side in (left, right)
    )


def _bands(segments: Sequence[TextT], gutter: float) -> Iterator[tuple[list[TextT], bool]]:
    """Yield the segments between those that cross the gutter, and these, from top to bottom."""
    band: list[TextT] = []
    crossed = False
    for segment in sorted(segments, key=lambda part: (-part.top, part.left)):
        crosses = segment.left < gutter < segment.right
        if band and crosses != crossed:
            yield band, crossed
            band = []
        band.append(segment)
        crossed = crosses
    if band:
        yield band, crossed
