"""Plain text to passages: as it is, with words whole that were broken at a line's end."""

from __future__ import annotations

from daydream_memory.reading.line_joining import mend_hyphens
from daydream_memory.reading.passages import Passage, RawDocument, Reading
from daydream_memory.reading.printed_pages import without_page_breaks


def read_plain_text(document: RawDocument) -> Reading:
    """Return the whole text as one passage."""
    text, heads = without_page_breaks(document.text.replace("\r\n", "\n"))
    return Reading((Passage(mend_hyphens(text), has_raw_lines=True),), tuple(heads))
