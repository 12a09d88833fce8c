"""Take out of the lines of a PDF what is no text of it: running heads, page numbers, stamps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from daydream_memory.reading.pdf_lines import Line

MARGIN_SHARE = 0.13  # of the page's height, above and below
MARGIN_LINES = 4
FEW_PAGES = 5
NUMBERED_SHARE_MIN = 0.5
DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
EDGE_NUMBERS = re.compile(r"^(\d{1,4})\b|\b(\d{1,4})$")
NUMBER_LINE = re.compile(
    r"^\W*(page|p\.|seite|s\.|página|página|стр\.?)?\W*(\d{1,4}|[ivxlc]{1,6})\W*"
    r"((of|von|/|de|sur|из)\W*\d{1,4})?\W*$",
    re.IGNORECASE,
)
STAMP = re.compile(
    r"downloaded (from|by|on|via|at)\b|\bIP:? ?(address)? ?\d+\.\d+|this content downloaded"
    r"|authorized licensed use limited|^arxiv:\d{4}\.\d|all use subject to|for personal use only"
    r"|^copyright ©|^© ?\d{4}\b.*rights reserved|^(https?://)?(dx\.)?doi\.org/\S+$"
    r"|^heruntergeladen (von|am)|^téléchargé (le|par)|provided by .* library",
    re.IGNORECASE,
)


def without_furniture(
    pages: Sequence[Sequence[Line]], heights: Sequence[float]
) -> tuple[list[list[Line]], int]:
    """Return the lines of each page without what is repeated in its margins, and how many went."""
    margins = [_margin(lines, height) for lines, height in zip(pages, heights, strict=True)]
    counts = Counter(key for margin in margins for key in {_key(line) for line in margin})
    repeated_min = 2 if len(pages) <= FEW_PAGES else 3
    repeated = {key for key, count in counts.items() if count >= repeated_min}
    offset = _number_offset(margins)
    kept: list[list[Line]] = []
    for number, (lines, margin) in enumerate(zip(pages, margins, strict=True)):
        page_number = None if offset is None else offset + number
        gone = [line for line in margin if _is_furniture(line, repeated, page_number)]
        kept.append([line for line in lines if line not in gone])
    removed = sum(map(len, pages)) - sum(map(len, kept))
    return kept, removed


def _margin(lines: Sequence[Line], height: float) -> list[Line]:
    ordered = sorted(lines, key=lambda line: -line.top)
    upper = [line for line in ordered[:MARGIN_LINES] if line.bottom > height * (1 - MARGIN_SHARE)]
    lower = [line for line in ordered[-MARGIN_LINES:] if line.top < height * MARGIN_SHARE]
    return [*upper, *lower]


def _is_furniture(line: Line, repeated: set[str], page_number: int | None) -> bool:
    return bool(
        _key(line) in repeated
        or page_number in _numbers(line)
        or NUMBER_LINE.match(line.text)
        or STAMP.search(line.text)
    )


def _number_offset(margins: Sequence[Sequence[Line]]) -> int | None:
    """Return what the page numbers in the margins begin with, None if the pages have none."""
    offsets = Counter(
        offset
        for page, margin in enumerate(margins)
        for offset in {number - page for line in margin for number in _numbers(line)}
    )
    offset, count = max(offsets.items(), key=lambda item: item[1], default=(0, 0))
    return offset if count >= max(3, NUMBERED_SHARE_MIN * len(margins)) else None


def _numbers(line: Line) -> list[int]:
    """Return the numbers at the start and the end of a line."""
    edges = EDGE_NUMBERS.findall(line.text)
    return [int(number) for edge in edges for number in edge if number]


def _key(line: Line) -> str:
    """Return the text of a line without what changes from page to page."""
    return " ".join(DIGITS.sub("#", line.text.lower()).split())
