"""Split a paragraph into sentences.

A mark ends a sentence where a blank follows and the next word does not begin in lower case. A full
stop after an abbreviation or an initial ends none. Chinese and Japanese marks need no blank.
"""

from __future__ import annotations

import re

from daydream_memory.passage_filter.lexicon import load_lexicon

END = re.compile("(?P<wide>[。！？｡]+[」』）〕】”’]*)|[.!?…؟۔।॥։]+[\"'”’»“)\\]*_]*(?=\\s)")
ASCII_END = re.compile("[.!?]+[\"')\\]*_]*(?=\\s)")
OPENING = "([\"'“„«"
INITIALS = re.compile(r"^(?:[^\W\d_]\.)+$|^[IVXLC]+\.$|^\d{1,3}\.$")
LOOKBACK_CHARS = 24
ITEM_NUMBER = re.compile(r"^\d{1,3}\.$")  # only at the start of a text
# After these a sentence may also end: only what follows in lower case or a digit tells.
MAY_END = frozenset({"etc.", "usw.", "al.", "co.", "inc.", "ltd.", "corp.", "jr.", "т.д.", "т.п."})


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph that is one line, none of them empty."""
    sentences, start = [], 0
    is_ascii = text.isascii()
    for end in (ASCII_END if is_ascii else END).finditer(text):
        is_wide = not is_ascii and end["wide"] is not None
        if not is_wide and not _ends(text, end):
            continue
        sentence = text[start : end.end()].strip()
        if sentence:
            sentences.append(sentence)
        start = end.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest else sentences


def _ends(text: str, end: re.Match[str]) -> bool:
    following = text[end.end() : end.end() + 4].lstrip()[:1]
    if following.islower():
        return False
    if not end.group().startswith(".") or end.group().startswith(".."):
        return True
    word = _last_word(text[max(0, end.start() - LOOKBACK_CHARS) : end.start() + 1])
    lowered = word.lower()
    if ITEM_NUMBER.match(word):
        return end.start() >= len(word)
    if lowered in MAY_END:
        return not following.isdigit()
    return lowered not in load_lexicon().abbreviations and not INITIALS.match(word)


def _last_word(text: str) -> str:
    """Return what stands behind the last blank and the last opening mark, "" for nothing."""
    word = text.rsplit(maxsplit=1)[-1] if not text[-1:].isspace() and text else ""
    for sign in OPENING:
        word = word.rpartition(sign)[2]
    return word
