"""The characters of a PDF page with their places, without those that no reader sees.

Hidden is: white without anything dark behind it, tiny, transparent, off the page, or drawn with no
ink. The last is also how text recognition lays its result over a scan, so there it is kept.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pypdfium2 import raw

from daydream_memory.reading.pdf_boxes import NO_GLYPHS, Flags, GlyphRow, Numbers, PageBox
from daydream_memory.reading.pdf_text import REPLACEMENT, PageText, text_of

Page = Any  # pypdfium2 has no types
TINY_PT = 2.0
WHITE_MIN = 245
ALPHA_MIN = 10
NO_INK = 3
TURN_DEGREES = 90
SCAN_SHARE = 0.5
PATH, IMAGE, SHADING, FORM = 2, 3, 4, 5
BACKDROPS_MAX = 2_000
# left, bottom, right and top of a page that is turned: which edge, and its sign
UPRIGHT = {
    1: ((3, 0, 1, 2), (-1, 1, -1, 1)),
    2: ((2, 3, 0, 1), (-1, -1, -1, -1)),
    3: ((1, 2, 3, 0), (1, -1, 1, -1)),
}


@dataclass
class PageGlyphs:
    """The visible characters of a page in the order in which they are drawn.

    `width`, `height`: of the page, upright. `pictures`: the boxes of its images.
    """

    glyphs: GlyphRow = NO_GLYPHS
    width: float = 0.0
    height: float = 0.0
    pictures: list[PageBox] = field(default_factory=list)
    hidden: int = 0
    turned: int = 0
    meaningless: int = 0


@dataclass(frozen=True)
class _Style:
    """How a piece of text is drawn."""

    hidden: bool
    white: bool
    turn: int


def glyphs_of(page: Page) -> PageGlyphs:
    """Return the visible characters of a page."""
    left, bottom, right, top = page.get_cropbox()
    pictures, backdrops = _boxes(page)
    is_scan = sum(map(_area, pictures)) > SCAN_SHARE * (right - left) * (top - bottom)
    text_page = page.get_textpage()
    drawn = text_of(text_page.raw, text_page.count_chars())
    result = PageGlyphs(width=right - left, height=top - bottom, pictures=pictures)
    if not drawn.glyphs.text:
        return result
    styles = [_style(text_page.raw, *first, is_scan) for first in drawn.objects]
    turns = np.array([style.turn for style in styles])[drawn.object_numbers]
    ink = ~drawn.glyphs.are(" ")
    visible = _visible(drawn, styles, backdrops, PageBox(left, bottom, right, top))
    result.hidden = int((~visible & ink).sum())
    counts = np.bincount(turns[visible & ink], minlength=4)
    turn = int(counts.argmax())
    result.glyphs = _upright(drawn.glyphs.where(visible & (turns == turn)), turn)
    result.turned = int(counts.sum() - counts[turn])
    result.meaningless = result.glyphs.text.count(REPLACEMENT)
    if turn in (1, 3):
        result.width, result.height = result.height, result.width
    return result


def _visible(
    drawn: PageText, styles: list[_Style], backdrops: list[PageBox], page: PageBox
) -> Flags:
    glyphs = drawn.glyphs
    x, y = (glyphs.left + glyphs.right) / 2, glyphs.middles
    is_white = np.array([style.white for style in styles])[drawn.object_numbers]
    is_hidden = np.array([style.hidden for style in styles])[drawn.object_numbers]
    for box in backdrops if is_white.any() else ():
        is_white &= ~_is_inside(x, y, box)
    largest = np.maximum(glyphs.sizes, glyphs.right - glyphs.left)
    is_tiny = (largest < TINY_PT) & ~glyphs.are(" ")
    visible: NDArray[np.bool_] = _is_inside(x, y, page) & ~(is_hidden | is_white | is_tiny)
    return visible


def _style(text_page: Any, index: int, drawn: int, is_scan: bool) -> _Style:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    known = raw.FPDFText_GetFillColor(text_page, index, red, green, blue, alpha)
    mode = (
        raw.FPDFTextObj_GetTextRenderMode(ctypes.cast(drawn, raw.FPDF_PAGEOBJECT)) if drawn else 0
    )
    no_ink = mode == NO_INK
    turn = round(raw.FPDFText_GetCharAngle(text_page, index) * 180 / 3.14159265 / TURN_DEGREES)
    return _Style(
        hidden=(no_ink and not is_scan) or (bool(known) and alpha.value < ALPHA_MIN),
        white=bool(known) and min(red.value, green.value, blue.value) >= WHITE_MIN and not no_ink,
        turn=turn % 4,
    )


def _boxes(page: Page) -> tuple[list[PageBox], list[PageBox]]:
    """Return the boxes of images, and of all that white text is seen on."""
    pictures: list[PageBox] = []
    backdrops: list[PageBox] = []
    for thing in page.get_objects(filter=(PATH, IMAGE, SHADING, FORM), max_depth=2):
        box = PageBox(*thing.get_bounds())
        if thing.type == IMAGE:
            pictures.append(box)
        if thing.type != PATH or not _is_white_path(thing):
            backdrops.append(box)
        if len(backdrops) >= BACKDROPS_MAX:
            break
    return pictures, backdrops


def _is_white_path(path: Any) -> bool:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFPageObj_GetFillColor(path.raw, red, green, blue, alpha)
    return min(red.value, green.value, blue.value) >= WHITE_MIN or alpha.value < ALPHA_MIN


def _upright(glyphs: GlyphRow, turn: int) -> GlyphRow:
    if turn == 0:
        return glyphs
    edges, signs = UPRIGHT[turn]
    return GlyphRow(glyphs.text, glyphs.boxes[:, edges] * np.array(signs))


def _is_inside(x: Numbers, y: Numbers, box: PageBox) -> Flags:
    return (box.left <= x) & (x <= box.right) & (box.bottom <= y) & (y <= box.top)


def _area(box: PageBox) -> float:
    return max(0.0, box.right - box.left) * max(0.0, box.size)
