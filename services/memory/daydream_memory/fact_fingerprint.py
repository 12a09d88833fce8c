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
SPLIT_WORD = re.compile(r"(?<=[^\W\d_])-\s+(?=[^\W\d_])")  # a word that continues in the next line
MINUS = re.compile(r"(?<!\w)-(?=\d)")
MINUS_SIGN = "\u2212"  # no dash
CONTENT_CATEGORIES = frozenset("LMNS")  # letters, their marks, numbers and symbols
PERCENT_SIGNS = "%‰"
BLANK = ord(" ")


def fingerprint(text: str) -> str:
    """Return a text that is the same for all copies of a fact."""
    plain = unicodedata.normalize("NFC", text).translate(LIGATURES)
    plain = MINUS.sub(MINUS_SIGN, SPLIT_WORD.sub("", plain)).casefold()
    return " ".join(plain.translate(_CONTENT).split()) or text


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
