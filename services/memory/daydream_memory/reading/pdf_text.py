"""The characters that a PDF page draws, from PDFium, with as few calls as possible.

A call takes as long as PDFium takes to find three characters. So texts come in chunks, and an
object that draws text is asked for once, not for each of its characters. Only the box is asked for
each character.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pypdfium2 import raw

from daydream_memory.reading.pdf_boxes import GlyphRow

REPLACEMENT = "\ufffd"
CHARS_MAX = 500_000
CHUNK_CHARS = 128
NO_CHARACTER = 0xFFFE  # what PDFium's text has for a hyphen at the end of a line, and for NUL
EDGES = (0, 3, 2, 1)  # FS_RECTF has left, top, right, bottom
HYPHEN_MARK = 0x02  # what PDFium gives for a hyphen at the end of a line
RIGHT_TO_LEFT = (0x0590, 0x08FF)  # PDFium turns these round, so that objects mix
TextPage = Any  # pypdfium2 has no types
UnicodeBuffer = ctypes.c_ushort * (CHUNK_CHARS + 1)
# Addresses as plain numbers: ctypes takes twice as long for typed pointers
GET_OBJECT = ctypes.cast(
    raw.FPDFText_GetTextObject,
    ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int),
)
GET_BOX = ctypes.cast(
    raw.FPDFText_GetLooseCharBox,
    ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p),
)


@dataclass(frozen=True)
class PageText:
    """The characters, without those that PDFium adds as spaces.

    `objects`: for each object that draws text the number of its first character, and its address.
    `object_numbers`: for each character the place of its object in `objects`.
    """

    glyphs: GlyphRow
    objects: list[tuple[int, int]]
    object_numbers: NDArray[np.intp]


def text_of(text_page: TextPage, count: int) -> PageText:
    """Return the first `CHARS_MAX` characters of a page."""
    codes = _codes(text_page, min(count, CHARS_MAX))
    objects = _objects(text_page, codes)
    drawn = np.ones(len(codes), np.bool_)
    for at in np.flatnonzero(codes <= ord(" ")).tolist():
        drawn[at] = not raw.FPDFText_IsGenerated(text_page, at)
    starts = np.array([start for start, _ in objects], np.intp)
    numbers = np.repeat(np.arange(len(objects)), np.diff(np.append(starts, len(codes))))
    glyphs = GlyphRow(_text(text_page, codes, objects), _boxes(text_page, len(codes)))
    return PageText(glyphs.where(drawn), objects, numbers[drawn])


def _codes(text_page: TextPage, count: int) -> NDArray[np.uint32]:
    """Return the code of each character. PDFium leaves some out of its text: those one by one."""
    codes = np.zeros(count, np.uint32)
    buffer = UnicodeBuffer()
    units = np.ctypeslib.as_array(buffer)
    for start in range(0, count, CHUNK_CHARS):
        size = min(CHUNK_CHARS, count - start)
        if raw.FPDFText_GetText(text_page, start, size, buffer) == size + 1:
            codes[start : start + size] = units[:size]
        else:
            codes[start : start + size] = NO_CHARACTER
    for at in np.flatnonzero(codes == NO_CHARACTER).tolist():
        codes[at] = raw.FPDFText_GetUnicode(text_page, at)
    return codes


def _objects(text_page: TextPage, codes: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Return the first character and the address of each object.

    The characters of an object follow each other, so that its end is found by halving.
    """
    mixed = bool(((codes >= RIGHT_TO_LEFT[0]) & (codes <= RIGHT_TO_LEFT[1])).any())
    objects: list[tuple[int, int]] = []
    start = 0
    while start < len(codes):
        address = _address(text_page, start)
        objects.append((start, address))
        start = start + 1 if mixed else _end_of(text_page, start, len(codes), address)
    return objects


def _end_of(text_page: TextPage, start: int, count: int, address: int) -> int:
    inside, step = start, 1
    while inside + step < count and _address(text_page, inside + step) == address:
        inside += step
        step *= 2
    outside = min(count, inside + step)
    while outside - inside > 1:
        middle = (inside + outside) // 2
        if _address(text_page, middle) == address:
            inside = middle
        else:
            outside = middle
    return outside


def _address(text_page: TextPage, at: int) -> int:
    return GET_OBJECT(text_page, at) or 0


def _text(text_page: TextPage, codes: NDArray[np.uint32], objects: list[tuple[int, int]]) -> str:
    """Return a character for each code. Those of one font with one code are the same."""
    text = codes.tobytes().decode("utf-32-le", "surrogatepass")
    shown: dict[int, dict[int, str]] = {}  # by font and code
    parts = []
    ends = [*(start for start, _ in objects[1:]), len(text)]
    for (start, address), end in zip(objects, ends, strict=False):  # no object: no end
        part = text[start:end]
        characters = shown.setdefault(_font(address), {})
        for character in set(part).difference(map(chr, characters)):
            at = start + part.index(character)
            characters[ord(character)] = _shown(text_page, at, ord(character))
        parts.append(part.translate(characters))
    return _with_hyphens(text_page, codes, "".join(parts))


def _with_hyphens(text_page: TextPage, codes: NDArray[np.uint32], text: str) -> str:
    for at in np.flatnonzero(codes == HYPHEN_MARK).tolist():
        if raw.FPDFText_IsHyphen(text_page, at):
            text = f"{text[:at]}-{text[at + 1 :]}"
    return text


def _font(address: int) -> int:
    if not address:
        return 0
    font = raw.FPDFTextObj_GetFont(ctypes.cast(address, raw.FPDF_PAGEOBJECT))
    return ctypes.cast(font, ctypes.c_void_p).value or 0


def _shown(text_page: TextPage, at: int, code: int) -> str:
    """Return the code as text has it: one blank for all, and a sign for what has no meaning."""
    if raw.FPDFText_HasUnicodeMapError(text_page, at) or _is_meaningless(code):
        return REPLACEMENT
    return " " if chr(code).isspace() else chr(code)


def _is_meaningless(code: int) -> bool:
    """Return whether a code stands for no character: a control, or one for private use."""
    control = code < 0x20 and code not in (9, 10, 13)
    return control or 0xE000 <= code <= 0xF8FF or code > 0xEFFFF


def _boxes(text_page: TextPage, count: int) -> NDArray[np.float64]:
    """Return left, bottom, right and top of each character."""
    rectangles = (raw.FS_RECTF * count)()
    page = ctypes.cast(text_page, ctypes.c_void_p).value
    start, size = ctypes.addressof(rectangles), ctypes.sizeof(raw.FS_RECTF)
    for at in range(count):
        GET_BOX(page, at, start + at * size)
    edges = np.frombuffer(rectangles, np.float32).reshape(count, 4) if count else np.empty((0, 4))
    return edges[:, EDGES].astype(np.float64)
