"""A document that was found, before it is read."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BYTES_MAX = 256 << 20
# control characters, halves of surrogate pairs, and what changes the direction of text
ESCAPED_CATEGORIES = frozenset({"Cc", "Cs"})
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class UnreadableSourceError(ValueError):
    """A document cannot be loaded. The text says why, for the person who added it."""


@dataclass(frozen=True)
class SourceDocument:
    """A document at its source.

    `load` returns its bytes, or raises UnreadableSourceError. `skipped`: why it is not a document;
    then it is not loaded.
    """

    source: str
    load: Callable[[], bytes] = bytes
    skipped: str = ""


def source_name(path: Path) -> str:
    r"""Return the name under which people find a file: its path as text.

    A file name is any bytes. What is no text, or would disturb a terminal, is written as in
    `b\xff.md`.
    """
    text = os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
    return "".join(_escaped(character) for character in text)


def too_large(size: int) -> UnreadableSourceError:
    """Return the error for a document of this size."""
    text = f"{size >> 20} MB; the maximum is {BYTES_MAX >> 20} MB per file. Split it"
    return UnreadableSourceError(text)


def _escaped(character: str) -> str:
    if character in DIRECTIONS or unicodedata.category(character) in ESCAPED_CATEGORIES:
        return character.encode("unicode_escape").decode()
    return character
