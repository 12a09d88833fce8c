"""Raised digits: 10² in a page or a document must not become 102."""

from __future__ import annotations

import re

SMALL = "0123456789+-−=()ni"
RAISED = str.maketrans(SMALL, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
EXPONENT = re.compile(r"^\s*[-+−]?[\dni]{1,4}\s*$")
REFERENCE = re.compile(r"^\s*\[[\d\s,–-]{1,12}\]\s*$")


def raised(text: str) -> str:
    """Return raised text: digits as raised ones, a reference in brackets as nothing."""
    if REFERENCE.match(text):
        return ""
    return text.strip().translate(RAISED) if EXPONENT.match(text) else text
