"""Plain text to passages: as it is."""

from __future__ import annotations

from daydream_memory.reading.passages import Passage, RawDocument, Reading


def read_plain_text(document: RawDocument) -> Reading:
    """Return the whole text as one passage."""
    return Reading((Passage(document.text, has_raw_lines=True),))
