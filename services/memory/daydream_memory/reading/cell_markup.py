"""Pages inside records: exports keep the text of a note or a product as HTML in one field."""

from __future__ import annotations

import re

MARKUP = re.compile(r"</(?:p|div|span|li|ul|b|i|em|strong|a|h[1-6]|td)>|<br\s*/?>", re.IGNORECASE)


def plain_words(text: str) -> str:
    """Return the text of a field, read as a page if it holds markup."""
    if "<" not in text or not MARKUP.search(text):
        return text
    # here, since most records hold no markup, and parsing it takes a library
    from daydream_memory.reading.web_page import read_fragment  # noqa: PLC0415

    blocks, _ = read_fragment(text)
    return "\n\n".join(block.text for block in blocks)
