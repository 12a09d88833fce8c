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

from daydream_memory.gate.scripts import join_lines

BlockKind = Literal["paragraph", "list", "table", "code"]
FENCE = re.compile(r"^\s{0,3}(```|~~~)")
BULLET = re.compile(r"^\s*(?:[-*+•‣◦▪·●○–—]|\\item)\s+")
NUMBER = re.compile(r"^\s*(?:\[\w{1,12}\]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+")
ROW = re.compile(r"^\s*\|.*\|\s*$")
LINE_END = re.compile(r"\r\n|\r|\n|\f")


@dataclass(frozen=True)
class Block:
    """A part of a passage. `lines` are the items of a list, and else the lines of the text."""

    kind: BlockKind
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The block as one line."""
        return join_lines("\n".join(self.lines))


def blocks_of(text: str, is_heading: Callable[[str], bool] = lambda line: False) -> Iterator[Block]:
    """Yield the blocks of a passage in their order, none of them empty.

    A line for which `is_heading` holds is a block of its own.
    """
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
            yield Block("paragraph", (line.strip(),))
        elif line.strip():
            open_lines.append(line)
        else:
            yield from _blocks(open_lines)
            open_lines = []
    yield from _code(fenced or [])
    yield from _blocks(open_lines)


def _code(lines: list[str]) -> Iterator[Block]:
    if any(line.strip() for line in lines):
        yield Block("code", tuple(lines))


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Yield the blocks of lines without a blank line between them."""
    for is_row, group in groupby(lines, key=lambda line: bool(ROW.match(line))):
        if is_row:
            yield Block("table", tuple(group))
        else:
            yield from _paragraph_and_list(list(group))


def _paragraph_and_list(lines: list[str]) -> Iterator[Block]:
    first = next((at for at, line in enumerate(lines) if _is_item(line)), len(lines))
    if first:
        yield Block("paragraph", tuple(line.strip() for line in lines[:first]))
    items: list[list[str]] = []
    for line in lines[first:]:
        if _is_item(line):
            items.append([BULLET.sub("", line)])
        else:
            items[-1].append(line)
    if items:
        yield Block("list", tuple(join_lines("\n".join(item)) for item in items))


def _is_item(line: str) -> bool:
    return bool(BULLET.match(line) or NUMBER.match(line))
