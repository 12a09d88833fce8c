"""Writing systems: how much a character says, and whether words are divided by blanks.

A Chinese or Japanese character says about as much as 2.5 Latin ones: translations of one text are
that much shorter. Korean syllables are between them. Limits on lengths are in Latin characters.
"""

from __future__ import annotations

import re

HAN_OR_KANA = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d]")
HANGUL = re.compile(r"[\uac00-\ud7af]")
HIRAGANA = re.compile(r"[\u3040-\u309f]")
HAN_EXTRA, HANGUL_EXTRA = 1.5, 1.0
WIDE = (
    r"\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"  # no blanks around these
)
WIDE_SIGN = re.compile(rf"[{WIDE}]")
LINE_BREAK = re.compile(rf"(?<=[{WIDE}])[ \t]*\n\s*(?=[{WIDE}])")
UNSPACED_SHARE_MIN = 0.3
CJK_CHARS_PER_WORD = 2


def latin_length(text: str) -> float:
    """Return the number of characters, in Latin characters that say as much."""
    if text.isascii():
        return len(text)
    return (
        len(text)
        + HAN_EXTRA * len(HAN_OR_KANA.findall(text))
        + HANGUL_EXTRA * len(HANGUL.findall(text))
    )


def is_unspaced(text: str) -> bool:
    """Return whether the text is Chinese or Japanese, which put no blanks between words."""
    if text.isascii():
        return False
    return len(HAN_OR_KANA.findall(text)) >= UNSPACED_SHARE_MIN * max(1, len(text))


def join_lines(text: str) -> str:
    """Make a paragraph one line. Chinese and Japanese lines are joined without a blank."""
    if "\n" in text and not text.isascii():
        text = LINE_BREAK.sub("", text)
    return " ".join(text.split())


def join_sentences(before: str, after: str) -> str:
    """Return two texts as one, with a blank between them where their script has one."""
    if not before or not after:
        return before or after
    last, first = before[-1], after[0]
    unspaced = last > "\u2fff" and WIDE_SIGN.match(last) and WIDE_SIGN.match(first)
    return f"{before}{after}" if unspaced else f"{before} {after}"
