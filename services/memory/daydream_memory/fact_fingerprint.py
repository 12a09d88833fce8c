"""Deduplicate facts: texts with the same words, numbers and signs in the same order are one fact.

Copies of a text differ in case, quotes, dashes, ligatures, spaces and words that a line break
split. Those are one fact. One more word, number or sign makes another fact: "increases" and
"decreases", 10² and 102, +5 and −5 are never the same, however close their vectors are.
"""

from __future__ import annotations

import re
import unicodedata

from daydream_contracts.events import FactKind, derive_id

LIGATURES = str.maketrans(
    {
        "ﬀ": "ff",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "ﬅ": "st",
        "ﬆ": "st",
        "\u00ad": None,
        "−": "-",
    }
)
LIGATURE = re.compile(f"[{''.join(map(chr, LIGATURES))}]")
SPLIT_WORD = re.compile(  # a word that continues in the next line
    r"-(?<=[^\W\d_]-)\s+(?=[^\W\d_])"
)
MINUS = re.compile(r"-(?<!\w-)(?=\d)")
MINUS_SIGN = "\u2212"  # no dash
CONTENT_CATEGORIES = frozenset("LMNS")  # letters, their marks, numbers and symbols
PERCENT_SIGNS = "%‰"
BLANK = ord(" ")
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
ASCII_PUNCTUATION = re.compile(r"[!-#&-*,-/:;?@\[-\]_{}\x00-\x1f\x7f]+")


def fingerprint(text: str) -> str:
    """Return a text that is the same for all copies of a fact."""
    plain = text
    if not text.isascii():
        plain = unicodedata.normalize("NFC", text)
        plain = plain.translate(LIGATURES) if LIGATURE.search(plain) else plain
    if "-" in plain:
        plain = MINUS.sub(MINUS_SIGN, SPLIT_WORD.sub("", plain))
    plain = ASCII_PUNCTUATION.sub(" ", plain.casefold())
    if not plain.isascii():
        plain = NOT_ASCII.sub(lambda run: run.group().translate(_CONTENT), plain)
    return " ".join(plain.split()) or text


def fact_id_of(text: str, kind: FactKind, team: str, clearance: str) -> str:
    """Return the id of a fact from a document or a question.

    That of a question derives from its exact words.
    """
    labels = (team, clearance) if team or clearance else ()
    if kind is FactKind.QUESTION:
        return derive_id("question", text, *labels)
    return derive_id("fact", fingerprint(text), *labels)


class _ContentCharacters(dict[int, int]):
    """A table for `str.translate`: all characters without content become blanks.

    It is filled with the characters that were met, which is ten times as fast as to ask for the
    category of each character of a text.
    """

    def __missing__(self, code: int) -> int:
        character = chr(code)
        is_content = unicodedata.category(character)[0] in CONTENT_CATEGORIES
        self[code] = code if is_content or character in PERCENT_SIGNS else BLANK
        return self[code]


_CONTENT = _ContentCharacters()
