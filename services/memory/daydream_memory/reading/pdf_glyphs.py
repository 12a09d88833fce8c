"""The characters of a PDF page with their places, without those that no reader sees.

Hidden is: white without anything dark behind it, tiny, transparent, off the page, or drawn with no
ink. The last is also how text recognition lays its result over a scan, so there it is kept.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pypdfium2 import raw

Page = Any  # pypdfium2 has no types
TINY_PT = 2.0
WHITE_MIN = 245
ALPHA_MIN = 10
NO_INK = 3
TURN_DEGREES = 90
HYPHEN_MARK = 0x02  # what PDFium gives for a hyphen at the end of a line
REPLACEMENT = "\ufffd"
CHARS_MAX = 500_000
SCAN_SHARE = 0.5
PATH, IMAGE, SHADING, FORM = 2, 3, 4, 5
BACKDROPS_MAX = 2_000


@dataclass(frozen=True)
class Glyph:
    """A character: its text and its box in points, upright, y upwards."""

    text: str
    left: float
    bottom: float
    right: float
    top: float

    @property
    def size(self) -> float:
        """The height of the font, about its size in points."""
        return self.top - self.bottom

    @property
    def middle(self) -> float:
        """The height of its middle above the page's lower edge."""
        return (self.bottom + self.top) / 2


Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass
class PageGlyphs:
    """The visible characters of a page in the order in which they are drawn.

    `width`, `height`: of the page, upright. `pictures`: the boxes of its images.
    """

    glyphs: list[Glyph] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    pictures: list[Box] = field(default_factory=list)
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
    visible: list[tuple[Glyph, int]] = []
    result = PageGlyphs(width=right - left, height=top - bottom, pictures=pictures)
    for glyph, style in _drawn(text_page.raw, text_page.count_chars(), is_scan):
        x, y = (glyph.left + glyph.right) / 2, glyph.middle
        seen = left <= x <= right and bottom <= y <= top
        tiny = max(glyph.size, glyph.right - glyph.left) < TINY_PT
        white = style.white and not any(_is_inside(x, y, box) for box in backdrops)
        if style.hidden or white or (tiny and not glyph.text.isspace()) or not seen:
            result.hidden += not glyph.text.isspace()
            continue
        visible.append((glyph, style.turn))
    turns = Counter(turn for glyph, turn in visible if not glyph.text.isspace())
    turn = turns.most_common(1)[0][0] if turns else 0
    result.glyphs = [_upright(glyph, turn) for glyph, own in visible if own == turn]
    result.turned = sum(count for other, count in turns.items() if other != turn)
    result.meaningless = sum(glyph.text == REPLACEMENT for glyph in result.glyphs)
    if turn in (1, 3):
        result.width, result.height = result.height, result.width
    return result


def _drawn(text_page: Any, count: int, is_scan: bool) -> Iterator[tuple[Glyph, _Style]]:
    """Yield the characters that the page draws, not those that PDFium adds as spaces."""
    styles: dict[int, _Style] = {}
    box = raw.FS_RECTF()
    for index in range(min(count, CHARS_MAX)):
        if raw.FPDFText_IsGenerated(text_page, index):
            continue
        drawn = raw.FPDFText_GetTextObject(text_page, index)
        key = ctypes.cast(drawn, ctypes.c_void_p).value or 0
        if key not in styles:
            styles[key] = _style(text_page, index, drawn, is_scan)
        raw.FPDFText_GetLooseCharBox(text_page, index, box)
        yield Glyph(_text(text_page, index), box.left, box.bottom, box.right, box.top), styles[key]


def _text(text_page: Any, index: int) -> str:
    code = raw.FPDFText_GetUnicode(text_page, index)
    if code == HYPHEN_MARK and raw.FPDFText_IsHyphen(text_page, index):
        return "-"
    text = chr(code) if code < 0x110000 else REPLACEMENT
    if raw.FPDFText_HasUnicodeMapError(text_page, index) or _is_meaningless(code):
        return REPLACEMENT
    return text if not text.isspace() else " "


def _is_meaningless(code: int) -> bool:
    """Return whether a code stands for no character: a control, or one for private use."""
    return (code < 0x20 and code not in (9, 10, 13)) or 0xE000 <= code <= 0xF8FF or code > 0xEFFFF


def _style(text_page: Any, index: int, drawn: Any, is_scan: bool) -> _Style:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    known = raw.FPDFText_GetFillColor(text_page, index, red, green, blue, alpha)
    no_ink = bool(drawn) and raw.FPDFTextObj_GetTextRenderMode(drawn) == NO_INK
    turn = round(raw.FPDFText_GetCharAngle(text_page, index) * 180 / 3.14159265 / TURN_DEGREES)
    return _Style(
        hidden=(no_ink and not is_scan) or (bool(known) and alpha.value < ALPHA_MIN),
        white=bool(known) and min(red.value, green.value, blue.value) >= WHITE_MIN and not no_ink,
        turn=turn % 4,
    )


def _boxes(page: Page) -> tuple[list[Box], list[Box]]:
    """Return the boxes of images, and of all that white text is seen on."""
    pictures: list[Box] = []
    backdrops: list[Box] = []
    for thing in page.get_objects(max_depth=2):
        if thing.type not in (PATH, IMAGE, SHADING, FORM):
            continue
        box: Box = thing.get_bounds()
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


def _upright(glyph: Glyph, turn: int) -> Glyph:
    if turn == 0:
        return glyph
    left, bottom, right, top = glyph.left, glyph.bottom, glyph.right, glyph.top
    turned = {
        1: (-top, left, -bottom, right),
        2: (-right, -top, -left, -bottom),
        3: (bottom, -right, top, -left),
    }[turn]
    return Glyph(glyph.text, *turned)


def _is_inside(x: float, y: float, box: Box) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
