"""A page that Safari saved (.webarchive) to passages: the main resource in it is the page."""

from __future__ import annotations

import plistlib
from dataclasses import replace

from daydream_memory.reading.passages import RawDocument, Reading, UnreadableDocumentError
from daydream_memory.reading.text import decode_markup
from daydream_memory.reading.web_page import read_web_page


def read_web_archive(document: RawDocument) -> Reading:
    """Return the passages of the page. Raise UnreadableDocumentError for a broken file."""
    try:
        page = plistlib.loads(document.data)["WebMainResource"]["WebResourceData"]
    except (plistlib.InvalidFileException, KeyError, TypeError, ValueError) as error:
        raise UnreadableDocumentError(f"not a readable web archive: {error}") from None
    return read_web_page(replace(document, text=decode_markup(page)[0]))
