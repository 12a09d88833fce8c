"""Lines of typeset text to running text: words that were broken at a line's end become whole.

A hyphen at a line's end is dropped, unless the document writes the word with a hyphen elsewhere, or
it belongs to a compound such as "silicone-based". Lines of Chinese and Japanese are joined without
a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial

from daydream_memory.reading.word_lists import word_set

HYPHENS = "-\u2010\u00ad"
BROKEN = re.compile(rf"(?P<head>[^\W\d_]+(?:[-'’][^\W\d_]+)*)[{HYPHENS}]$")
BROKEN_LINE = re.compile(
    r"(?<=[^\W\d_]{2})-\n[ \t]*([^\W\d_]{1,60}(?:[-'’][^\W\d_]{1,60}){0,5})([^\s\w]{0,5})[ \t]*"
)
HEAD_OF_LINE = re.compile(r"^[^\W\d_]+(?:[-'’][^\W\d_]+)*")
WIDE = "\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
IS_WIDE = re.compile(f"[{WIDE}]")
ITEM_START = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,3}[.)])\s+\S")
END_CHARS = 200  # longer than any word
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
SECOND_PARTS = word_set(
    "based like free type level scale specific dependent independent induced driven rich poor "
    "term known order size sized time wide only averaged mediated related resolved shaped "
    "scaled coated filled loaded doped treated controlled assisted aware agnostic oriented "
    "class step dimensional fold world art quality resolution temperature pressure energy "
    "frequency"
)
FIRST_PARTS = word_set("self well ill quasi all half ex cross")


def vocabulary(lines: Iterable[str]) -> frozenset[str]:
    """Return the words of a document in lower case, those with hyphens whole."""
    return frozenset(
        word.lower() for line in lines for word in WORD.findall(line.rstrip(HYPHENS + " "))
    )


def join_lines(lines: Sequence[str], words: frozenset[str]) -> str:
    """Return the lines of a paragraph as one line. `words`: the document's vocabulary."""
    done: list[str] = []
    text = ""  # the end of what was joined: no more of it decides about the next line
    for line in lines:
        text = _join(text, line.strip(), words) if text else line.strip()
        if len(text) > END_CHARS:
            done.append(text[:-END_CHARS])
            text = text[-END_CHARS:]
    return "".join([*done, text])


def paragraphs_of(text: str) -> list[str]:
    """Return the paragraphs and items of a text that was set with lines, each as one line."""
    words = vocabulary(text.split("\n"))
    paragraphs: list[list[str]] = [[]]
    for line in text.split("\n"):
        if not line.strip() or ITEM_START.match(line):
            paragraphs.append([])
        if line.strip():
            paragraphs[-1].append(line)
    return [join_lines(lines, words) for lines in paragraphs if lines]


def mend_hyphens(text: str) -> str:
    """Return a text whose words are not broken at the ends of its lines. The lines stay."""
    if not BROKEN_LINE.search(text):
        return text
    return BROKEN_LINE.sub(partial(_mended, vocabulary(text.split("\n"))), text)


def _mended(words: frozenset[str], broken: re.Match[str]) -> str:
    before = broken.string[max(0, broken.start() - END_CHARS) : broken.start()]
    head = BROKEN.search(f"{before}-")
    keep = head is None or _keeps_hyphen(head["head"], "-", broken[1], words)
    return f"{'-' if keep else ''}{broken[1]}{broken[2]}\n"


def _join(text: str, line: str, words: frozenset[str]) -> str:
    broken = BROKEN.search(text) if text[-1] in HYPHENS else None
    rest = HEAD_OF_LINE.match(line)
    if broken and rest:
        keep = _keeps_hyphen(broken["head"], text[-1], rest.group(), words)
        return (text if keep else text[:-1]) + line
    if text.endswith("\u00ad"):
        return text[:-1] + line
    if text.endswith("-") and line[:1].isdigit():
        return text + line
    if IS_WIDE.match(text[-1]) and IS_WIDE.match(line):
        return text + line
    return f"{text} {line}"


def _keeps_hyphen(head: str, hyphen: str, tail: str, words: frozenset[str]) -> bool:
    if hyphen == "\u00ad":
        return False
    if tail[0].isupper():
        return not head.isupper() or tail.isupper() is False
    first, second = head.lower(), tail.lower()
    last = first.rsplit("-", 1)[-1]
    if f"{first}-{second}" in words or len(first) == 1:  # as in "X-ray"
        return True
    if last + second in words:
        return False
    return second.split("-")[0] in SECOND_PARTS or first in FIRST_PARTS
