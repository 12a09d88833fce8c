"""When two texts are one fact: when they say the same words, numbers and signs in the same order.

Copies of a text differ in case, quotes, dashes, ligatures, spaces and words that a line break cut; those are one fact. A word, a number or a
sign more or less makes another one: "increases" and "decreases", 10² and 102, +5 and −5 are never the same, however close their vectors are.
"""

from __future__ import annotations

import re
import unicodedata

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
CUT = re.compile(r"(?<=[^\W\d_])-\s+(?=[^\W\d_])")  # a word that goes on in the next line
MINUS = re.compile(r"(?<!\w)-(?=\d)")
SAID = frozenset("LMNS")  # letters, their marks, numbers and signs; the rest is how it is written
SIGNS = "%‰"


def fingerprint(text: str) -> str:
    """The same for texts that are one fact."""
    plain = unicodedata.normalize("NFC", text).translate(LIGATURES)
    plain = MINUS.sub("\u2212", CUT.sub("", plain)).casefold()  # the sign, which is no dash
    said = "".join(
        one if unicodedata.category(one)[0] in SAID or one in SIGNS else " " for one in plain
    )
    return " ".join(said.split()) or text
