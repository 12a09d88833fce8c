"""Text without characters that no reader sees: for every reader at one place.

Such characters carry instructions past a person who checks a document, and make equal texts
differ. Joiners stay where a script or an emoji needs them. Letters that typesetting joined
(ligatures) and alphabets of mathematics become plain letters; raised digits stay, since 10² is not
102.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from daydream_memory.reading.passages import LeftOut, Passage, counted

LINE_SEPARATORS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
SOFT_HYPHEN = re.compile("\u00ad[ \t]*\n?[ \t]*")
BYTE_ORDER_MARK = "\ufeff"
LIGATURES = re.compile("[\ufb00-\ufb06\ufb13-\ufb17\U0001d400-\U0001d7ff]")
# Joiners that Arabic, Indic and other scripts write between letters, and emoji between pictures.
JOINERS = "\u200c\u200d"
NEEDED_JOINER = re.compile(
    "(?<=[\u0600-\u0dff\u0f00-\u109f\u1780-\u17ff\u1800-\u18af])[\u200c\u200d]"
    "|(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2600-\u27bf\U0001f000-\U0001faff])"
)
KEPT_JOINER = "\ue000"  # stands for a joiner while the others are removed
# By category: Cc controls, Cf format characters (zero width, bidirectional, tags), Cs, Cn.
# Here: what is invisible without being of such a category.
INVISIBLE_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
VARIATION_SELECTORS = "\u180b-\u180d\ufe00-\ufe0e\U000e0100-\U000e01ef"
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff0-\ufffc\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    f"{INVISIBLE_LETTERS}{VARIATION_SELECTORS}]"
)
# A text with none of these, and no letter of presentation, is safe as it is
UNSAFE = re.compile(
    f"[\x0b-\x0d\x1b\x85\u00ad\u2028\u2029\ud800-\udfff\ue000\ufb00-\ufb06\ufb13-\ufb17"
    f"\U0001d400-\U0001d7ff{INVISIBLE.pattern[1:]}"
)
UNSAFE_BYTES = bytes(code for code in range(128) if UNSAFE.match(chr(code)))
ARABIC_NUMBER_SIGNS = re.compile("[\u0600-\u0605\u06dd\u070f]")
# what a terminal does not print but obeys
TERMINAL = re.compile("\x1b\\[[0-9;?]*[A-Za-z]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)")
SURROGATES = re.compile("[\ud800-\udfff]")


def safe_text(text: str) -> tuple[str, int]:
    """Return the text without invisible characters, and how many it had.

    Soft hyphens and byte order marks go uncounted: they are ordinary typesetting.
    """
    if text.isascii():
        data = text.encode()  # a table of bytes tells it in a tenth of the time
        if len(data.translate(None, UNSAFE_BYTES)) == len(data):
            return text, 0
    elif not UNSAFE.search(text):
        return unicodedata.normalize("NFC", text), 0
    text = SOFT_HYPHEN.sub("", text.replace(BYTE_ORDER_MARK, ""))
    text = TERMINAL.sub("", LINE_SEPARATORS.sub("\n", text))
    text = SURROGATES.sub("\ufffd", text)
    if text.isascii() and not INVISIBLE.search(text):
        return text, 0
    marked = NEEDED_JOINER.sub(lambda joiner: _keep(joiner.group()), text.replace(KEPT_JOINER, ""))
    shown, removed = INVISIBLE.subn(_shown, marked)
    removed -= len(ARABIC_NUMBER_SIGNS.findall(marked))
    for place, joiner in enumerate(JOINERS):
        shown = shown.replace(KEPT_JOINER + str(place), joiner)
    shown = LIGATURES.sub(lambda letter: unicodedata.normalize("NFKC", letter.group()), shown)
    return unicodedata.normalize("NFC", shown), removed


def _keep(joiner: str) -> str:
    return KEPT_JOINER + str(JOINERS.index(joiner))


def _shown(character: re.Match[str]) -> str:
    return character.group() if ARABIC_NUMBER_SIGNS.match(character.group()) else ""


def safe_passages(
    passages: Sequence[Passage], default_title: str
) -> tuple[tuple[Passage, ...], list[LeftOut]]:
    """Return the passages with safe texts and titles, and a report of what was removed.

    Passages without text are dropped. One without a title gets the default.
    """
    kept: list[Passage] = []
    removed = 0
    for passage in passages:
        text, in_text = safe_text(passage.text)
        title, in_title = safe_text(passage.title)
        removed += in_text + in_title
        if text.strip():
            title = " ".join(title.split()) or default_title
            kept.append(replace(passage, text=text.strip(), title=title))
    report = counted(
        "invisible-characters", removed, "invisible character", "invisible characters", "removed"
    )
    return tuple(kept), report
