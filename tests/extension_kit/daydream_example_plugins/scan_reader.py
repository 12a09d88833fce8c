"""A reader of scanned PDF, with your engine for text recognition (OCR)."""

from __future__ import annotations

from contextlib import closing
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from daydream_memory.reading import LeftOut, Passage, RawDocument, Reading
from daydream_memory.reading.own_readers import OwnReader

PAGES_LOOKED_AT = 3
PIXELS_PER_POINT = 2.0  # 144 dots an inch
Pixels = NDArray[np.uint8]  # (height, width), 0 is black


class Engine(Protocol):
    """What recognises text. Load its model when it is made: later no file can be opened."""

    def text_of(self, pixels: Pixels) -> str:
        """Return the text of a page, "" for none."""


class DarkRows:
    """Stands for a real engine, such as one of ONNX models: it counts the rows with ink."""

    def text_of(self, pixels: Pixels) -> str:
        """Return a sentence about the page, "" for a white one."""
        rows = int((pixels.min(axis=1) < 128).sum())
        return f"This page of the scan has {rows} rows of pixels with ink in them." if rows else ""


class ScanReader(OwnReader):
    """Reads PDF documents whose first pages hold no text."""

    kind = "scan"

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or DarkRows()

    def recognises(self, data: bytes, source: str) -> bool:
        """Return whether it is a PDF without text. One with a password is left to others."""
        if not data.startswith(b"%PDF"):
            return False
        try:
            with closing(PdfDocument(data)) as pdf:
                pages = [pdf[number] for number in range(min(len(pdf), PAGES_LOOKED_AT))]
                return not any(page.get_textpage().count_chars() for page in pages)
        except PdfiumError:
            return False

    def read(self, document: RawDocument) -> Reading:
        """Return a passage for each page with a text, and report the others."""
        with closing(PdfDocument(document.data)) as pdf:
            texts = [self.engine.text_of(_pixels(page)) for page in pdf]
        passages = [
            Passage(text, f"page {number}") for number, text in enumerate(texts, 1) if text.strip()
        ]
        without = len(texts) - len(passages)
        text = f"on {without} pages no text was recognised"
        return Reading(tuple(passages), (LeftOut("empty-pages", without, text),) if without else ())


def _pixels(page: PdfPage) -> Pixels:
    bitmap = page.render(scale=PIXELS_PER_POINT, grayscale=True)
    return np.asarray(bitmap.to_numpy(), np.uint8).reshape(bitmap.height, bitmap.width)
