"""Blocks of a document to passages: one for the text under each heading.

Every reader of a format with headings makes blocks. Prose, code and rows of tables become separate
passages, all with the path of headings as their title.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from daydream_memory.reading.passages import DocumentMetadata, Passage, PassageKind

BlockKind = Literal["heading", "prose", "item", "code", "row"]
PASSAGE_KINDS: dict[BlockKind, PassageKind] = {
    "prose": "prose",
    "item": "prose",
    "code": "code",
    "row": "table",
}
HEADING_CHARS_MAX = 300
LEVELS_MAX = 12  # the titles of deeper ones would take the square of their number
PERMALINKS = " ¶§#🔗"  # signs that sites put behind a heading as a link to it
NO_METADATA = DocumentMetadata()


@dataclass(frozen=True)
class Block:
    """A heading (of a level from 1), a paragraph, an item of a list, code, or a row of a table."""

    kind: BlockKind
    text: str
    level: int = 0


def passages_of(
    blocks: Iterable[Block], title: str = "", metadata: DocumentMetadata = NO_METADATA
) -> tuple[Passage, ...]:
    """Return the passages in their order. `title` is for the text before the first heading."""
    passages: list[Passage] = []
    path: list[Block] = []
    section: list[Block] = []
    for block in (*blocks, Block("heading", "", 1)):
        if block.kind != "heading":
            section.append(block)
            continue
        heading = " / ".join(above.text for above in path) or title
        passages += _section(section, heading, metadata)
        section = []
        text = " ".join(block.text.rstrip(PERMALINKS).split())
        if len(text) > HEADING_CHARS_MAX:  # a paragraph in the style of a heading
            section.append(Block("prose", text))
        elif text:
            level = min(block.level, LEVELS_MAX)
            path = [above for above in path if above.level < level]
            path.append(Block("heading", text, level))
    return tuple(passages)


def _section(blocks: Iterable[Block], title: str, metadata: DocumentMetadata) -> Iterable[Passage]:
    written = (block for block in blocks if block.text.strip())
    for kind, group in groupby(written, key=lambda block: PASSAGE_KINDS[block.kind]):
        yield Passage(_joined(list(group)), title, metadata, kind)


def _joined(blocks: list[Block]) -> str:
    """Join paragraphs with a blank line, and items and rows with a line end."""
    text = blocks[0].text.strip("\n")
    for before, block in pairwise(blocks):
        close = before.kind == block.kind and block.kind in ("item", "row")
        text += ("\n" if close else "\n\n") + block.text.strip("\n")
    return text
