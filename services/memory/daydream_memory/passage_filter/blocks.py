"""Split a passage into blocks: paragraphs, lists, tables and code.

A blank line divides blocks, and so does a line that begins another kind. A list keeps its items and
a table its rows, because they are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from daydream_memory.passage_filter.scripts import join_lines

TextBlockKind = Literal["paragraph", "list", "table", "code"]
FENCE = re.compile(r"^\s{0,3}(```|~~~)")
BULLET = re.compile(r"^\s*(?:[-*+•‣◦▪·●○–—]|\\item)\s+")
NUMBER = re.compile(r"^\s*(?:\[\w{1,12}\]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+")
ROW = re.compile(r"^\s*\|.*\|\s*$")
BLANK_LINE = re.compile(r"\n[ \t]*\n")
LINE_END = re.compile(r"\r\n|\r|\n|\f")


@dataclass(frozen=True)
class TextBlock:
    """A part of a passage. `lines` are the items of a list, and else the lines of the text."""

    kind: TextBlockKind
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The block as one line."""
        return join_lines("\n".join(self.lines))


def blocks_of(
    text: str,
    is_heading: Callable[[str], bool] = lambda line: False,
    *,
    lines_are_items: bool = False,
) -> Iterator[TextBlock]:
    """Yield the blocks of a passage in their order, none of them empty.

    A line for which `is_heading` holds is a block by itself. `lines_are_items`: the reader has
    joined the lines of paragraphs, so that several lines without a blank line are a list.
    """
    if lines_are_items:
        yield from _written_blocks(text, is_heading)
    else:
        yield from _raw_blocks(text, is_heading)


def _raw_blocks(text: str, is_heading: Callable[[str], bool]) -> Iterator[TextBlock]:
    """Yield the blocks of a text as it was written, with its marks for code, lists and tables."""
    fenced: list[str] | None = None
    open_lines: list[str] = []
    for line in LINE_END.split(text):
        if FENCE.match(line):
            yield from _blocks(open_lines)
            open_lines = []
            if fenced is None:
                fenced = []
                continue
            yield from _code(fenced)
            fenced = None
        elif fenced is not None:
            fenced.append(line)
        elif line.strip() and is_heading(line.strip()):
            yield from _blocks(open_lines)
            open_lines = []
            yield TextBlock("paragraph", (line.strip(),))
        elif line.strip():
            open_lines.append(line)
        else:
            yield from _blocks(open_lines)
            open_lines = []
    yield from _code(fenced or [])
    yield from _blocks(open_lines)


def _written_blocks(text: str, is_heading: Callable[[str], bool]) -> Iterator[TextBlock]:
    for paragraph in BLANK_LINE.split(text):
        lines = [line.strip() for line in LINE_END.split(paragraph) if line.strip()]
        for heading, group in groupby(lines, key=is_heading):
            part = tuple(group)
            if heading:
                yield from (TextBlock("paragraph", (line,)) for line in part)
            else:
                yield TextBlock("list" if len(part) > 1 else "paragraph", part)


def _code(lines: list[str]) -> Iterator[TextBlock]:
    if any(line.strip() for line in lines):
        yield TextBlock("code", tuple(lines))


def _blocks(lines: list[str]) -> Iterator[TextBlock]:
    """Yield the blocks of lines without a blank line between them."""
    for is_row, group in groupby(lines, key=lambda line: bool(ROW.match(line))):
        if is_row:
            yield TextBlock("table", tuple(group))
        else:
            yield from _paragraph_and_list(list(group))


def _paragraph_and_list(lines: list[str]) -> Iterator[TextBlock]:
    first = next((at for at, line in enumerate(lines) if _is_item(line)), len(lines))
    if first:
        yield TextBlock("paragraph", tuple(line.strip() for line in lines[:first]))
    items: list[list[str]] = []
    for line in lines[first:]:
        if _is_item(line):
            items.append([BULLET.sub("", line)])
        else:
            items[-1].append(line)
    if items:
        yield TextBlock("list", tuple(join_lines("\n".join(item)) for item in items))


def _is_item(line: str) -> bool:
    return bool(BULLET.match(line) or NUMBER.match(line))
