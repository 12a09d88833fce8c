"""Boxes on a PDF page in points, y upwards, and many of them as columns of numbers.

A page has thousands of characters. One object for each takes twenty times as long as PDFium takes
to find them, so their boxes are arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class PageBox:
    """Where something stands on the page."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def size(self) -> float:
        """The height of its font, about its size in points."""
        return self.top - self.bottom


@dataclass(frozen=True)
class GlyphRow:
    """Characters in the order in which they are drawn. `text[n]` has the n-th row of `boxes`.

    A character beyond the first 65,536 is two, a surrogate pair, as PDFium has it.
    `boxes`: an array with a row of left, bottom, right and top for each character.
    """

    text: str
    boxes: Numbers

    @property
    def left(self) -> Numbers:
        """The left edges."""
        return self.boxes[:, 0]

    @property
    def bottom(self) -> Numbers:
        """The lower edges."""
        return self.boxes[:, 1]

    @property
    def right(self) -> Numbers:
        """The right edges."""
        return self.boxes[:, 2]

    @property
    def sizes(self) -> Numbers:
        """The heights of the fonts in points."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def middles(self) -> Numbers:
        """The heights of their middles above the page's lower edge."""
        return (self.boxes[:, 3] + self.boxes[:, 1]) / 2

    def __len__(self) -> int:
        """Return the number of characters."""
        return len(self.text)

    def part(self, start: int, end: int) -> GlyphRow:
        """Return the characters from one place up to another."""
        return GlyphRow(self.text[start:end], self.boxes[start:end])

    def where(self, kept: Flags) -> GlyphRow:
        """Return the characters whose flag is set."""
        if kept.all():
            return self
        places = np.flatnonzero(kept)
        return GlyphRow("".join(map(self.text.__getitem__, places.tolist())), self.boxes[places])

    def without(self, character: str, others: Flags) -> GlyphRow:
        """Return all but one character. `others`: the flags of those that stay."""
        return GlyphRow(self.text.replace(character, ""), self.boxes[others])

    def are(self, character: str) -> Flags:
        """Return for each character whether it is this one."""
        flags: Flags = codes_of(self.text) == ord(character)
        return flags


NO_GLYPHS = GlyphRow("", np.empty((0, 4)))


def codes_of(text: str) -> NDArray[np.uint32]:
    """Return the code of each character, halves of surrogate pairs too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def joined(rows: Sequence[GlyphRow]) -> GlyphRow:
    """Return rows as one."""
    if len(rows) == 1:
        return rows[0]
    return GlyphRow("".join(row.text for row in rows), np.concatenate([row.boxes for row in rows]))


def median(values: Numbers) -> float:
    """Return the median. `np.median` takes ten times as long for the characters of a line."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(
        ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    )
