"""Lists of words, written as one text: a name per line would be most of a module."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, which white space separates."""
    return frozenset(text.split())
