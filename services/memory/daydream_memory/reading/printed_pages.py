"""Take out of a plain text what printing put between its pages, as in RFCs and old manuals.

Between two pages are a foot, a form feed and a head. The foot says "[Page 7]", or the same lines
stand around each form feed. What a page break cut in the middle of a sentence becomes whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from daydream_memory.reading.passages import LeftOut, counted

FOOT = re.compile(r"^(?=.{1,120}$).*\[Page [\divxlc]+\]\s*$", re.IGNORECASE)
HAS_FOOT = re.compile(r"\[Page [\divxlc]+\][ \t]*$", re.IGNORECASE | re.MULTILINE)
# "RFC 1149      IP by pigeon      April 1990": parts in columns
HEAD = re.compile(r"^\S.*\S {2,}\S.*\d{4}\s*$|^\S.* {3,}\S.* {3,}\S.*$")
NUMBER = re.compile(r"\d+|\b[ivxlc]+\b")
SENTENCE_ENDS = tuple(".!?:;\u3002\uff01\uff1f")
LINE_CHARS_MAX = 120
REPEATED_MIN = 2
FORM_FEED = "\f"


def without_page_breaks(text: str) -> tuple[str, list[LeftOut]]:
    """Return the text without heads and feet of pages, and a report of these."""
    if FORM_FEED not in text and not HAS_FOOT.search(text):
        return text, []
    lines = text.replace(FORM_FEED, f"\n{FORM_FEED}\n").split("\n")
    breaks = _breaks(lines)
    edges = Counter(key for pair in breaks for key in {_key(lines[at]) for at in pair if at >= 0})
    gone: set[int] = set()
    joined: list[tuple[int, int]] = []
    for foot, head in breaks:
        if _is_foot(lines, foot, edges):
            gone.add(foot)
        if head >= 0 and (edges[_key(lines[head])] >= REPEATED_MIN or HEAD.match(lines[head])):
            gone.add(head)
        if foot in gone:
            joined.append((foot, head))
    for foot, head in joined:
        gone |= _blanks_inside(lines, foot, head if head in gone else foot)
    kept = [line for place, line in enumerate(lines) if place not in gone and line != FORM_FEED]
    removed = sum(bool(lines[place].strip(f" {FORM_FEED}")) for place in gone)
    report = counted("running-heads", removed, "head or foot of a page", "heads and feet of pages")
    return "\n".join(kept), report


def _breaks(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Return the lines before and behind each page break. -1 stands for none."""
    places: list[tuple[int, int]] = []
    for place, line in enumerate(lines):
        if line == FORM_FEED:
            before, behind = _next_text(lines, place, -1), _next_text(lines, place, 1)
            places.append((before, behind))
        elif FOOT.match(line):
            behind = _next_text(lines, place, 1)
            if FORM_FEED not in lines[place + 1 : behind + 1 if behind >= 0 else None]:
                places.append((place, behind))
    return places


def _next_text(lines: Sequence[str], place: int, step: int) -> int:
    place += step
    while 0 <= place < len(lines):
        if lines[place].strip() and lines[place] != FORM_FEED:
            return place if len(lines[place]) <= LINE_CHARS_MAX else -1
        place += step
    return -1


def _is_foot(lines: Sequence[str], place: int, edges: Counter[str]) -> bool:
    if place < 0:
        return False
    return bool(FOOT.match(lines[place])) or edges[_key(lines[place])] >= REPEATED_MIN


def _key(line: str) -> str:
    return NUMBER.sub("#", " ".join(line.split()).lower())


def _blanks_inside(lines: Sequence[str], foot: int, head: int) -> set[int]:
    """Return the blank lines around a break in the middle of a sentence."""
    before, behind = _next_text(lines, foot, -1), _next_text(lines, head, 1)
    if before < 0 or behind < 0 or lines[before].rstrip().endswith(SENTENCE_ENDS):
        return set()
    if not lines[behind].lstrip()[:1].islower():
        return set()
    return set(range(before + 1, behind))
