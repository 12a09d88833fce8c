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

    `objects`: the first character (its number for PDFium) and the address of each object that
    draws some. `object_numbers`: for each character the place of its object in `objects`.
    """

    glyphs: GlyphRow
    objects: list[tuple[int, int]]
    object_numbers: NDArray[np.intp]


def text_of(text_page: TextPage, count: int) -> PageText:
    """Return the first `CHARS_MAX` characters of a page."""
    codes = _codes(text_page, min(count, CHARS_MAX))
    numbers, objects = _objects(text_page, codes)
    drawn = np.ones(len(codes), np.bool_)
    for at in np.flatnonzero(codes <= ord(" ")).tolist():
        drawn[at] = not raw.FPDFText_IsGenerated(text_page, at)
    text = _text(text_page, codes, numbers, objects)
    glyphs = GlyphRow(text, _boxes(text_page, len(codes)))
    return PageText(glyphs.where(drawn), objects, numbers[drawn])


def _codes(text_page: TextPage, count: int) -> NDArray[np.int64]:
    """Return the code of each character. PDFium leaves some out of its text: those one by one."""
    codes: list[int] = []
    buffer = UnicodeBuffer()
    for start in range(0, count, CHUNK_CHARS):
        size = min(CHUNK_CHARS, count - start)
        if raw.FPDFText_GetText(text_page, start, size, buffer) == size + 1:
            codes += buffer[:size]
        else:
            codes += [raw.FPDFText_GetUnicode(text_page, at) for at in range(start, start + size)]
    for at, code in enumerate(codes):
        if code == NO_CHARACTER:  # a hyphen at the end of a line, or a NUL
            codes[at] = raw.FPDFText_GetUnicode(text_page, at)
    return np.array(codes, np.int64)


def _objects(
    text_page: TextPage, codes: NDArray[np.int64]
) -> tuple[NDArray[np.intp], list[tuple[int, int]]]:
    """Return the number of the object that draws each character, and the objects.

    The characters of an object follow each other, so that its end is found by halving.
    """
    count = len(codes)
    mixed = bool(((codes >= RIGHT_TO_LEFT[0]) & (codes <= RIGHT_TO_LEFT[1])).any())
    objects: list[tuple[int, int]] = []
    numbers = np.zeros(count, np.intp)
    start = 0
    while start < count:
        address = _address(text_page, start)
        end = start + 1 if mixed else _end_of(text_page, start, count, address)
        numbers[start:end] = len(objects)
        objects.append((start, address))
        start = end
    return numbers, objects


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


def _text(
    text_page: TextPage,
    codes: NDArray[np.int64],
    numbers: NDArray[np.intp],
    objects: list[tuple[int, int]],
) -> str:
    """Return a character for each code. Those of one font with one code are the same."""
    fonts = np.array([_font(address) for _, address in objects], np.int64)
    _, font_numbers = np.unique(fonts, return_inverse=True)
    keys = font_numbers[numbers] * (1 << 32) + codes if len(codes) else codes
    _, first, places = np.unique(keys, return_index=True, return_inverse=True)
    shown = [_shown(text_page, at, int(codes[at])) for at in first.tolist()]
    characters = np.array(shown, np.uint32)[places]
    for at in np.flatnonzero(codes == HYPHEN_MARK).tolist():
        if raw.FPDFText_IsHyphen(text_page, at):
            characters[at] = ord("-")
    return characters.tobytes().decode("utf-32-le", "surrogatepass")


def _font(address: int) -> int:
    if not address:
        return 0
    font = raw.FPDFTextObj_GetFont(ctypes.cast(address, raw.FPDF_PAGEOBJECT))
    return ctypes.cast(font, ctypes.c_void_p).value or 0


def _shown(text_page: TextPage, at: int, code: int) -> int:
    """Return the code as text has it: one blank for all, and a sign for what has no meaning."""
    if raw.FPDFText_HasUnicodeMapError(text_page, at) or _is_meaningless(code):
        return ord(REPLACEMENT)
    return ord(" ") if chr(code).isspace() else code


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
