"""RTF to passages: its paragraphs, without what is marked as hidden."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import RawDocument, Reading, UnreadableDocumentError, counted

# from \v to \v0, \plain or the end of the group; a hidden group is removed whole
HIDDEN_GROUP = re.compile(rb"\{(?:\\[a-z]+-?\d* ?)*?\\v1?(?![a-z0-9])[^{}]*\}")
HIDDEN_RUN = re.compile(rb"\\v1?(?![a-z0-9]) ?[^{}]*?(?=\\v0|\\plain|[{}])")
WHITE_OR_TINY = re.compile(rb"\\fs[0-3](?!\d) ?[^{}\\]*")
DELETED = re.compile(rb"\{\\deleted(?![a-z])[^{}]*\}")
PICTURE = re.compile(rb"\{\\pict\b")
TITLE = re.compile(rb"\{\\title ([^{}]*)\}")


def read_rich_text(document: RawDocument) -> Reading:
    """Return the passages. Raise UnreadableDocumentError for a broken file."""
    data, hidden = HIDDEN_GROUP.subn(b"", document.data)
    data, runs = HIDDEN_RUN.subn(b"", data)
    data, tiny = WHITE_OR_TINY.subn(b"", data)
    data = DELETED.sub(b"", data)
    title = TITLE.search(data)
    try:
        text = rtf_to_text(data.decode("latin-1"), errors="replace")
    except (ValueError, IndexError, KeyError, LookupError) as error:
        raise UnreadableDocumentError(f"not a readable RTF file: {error}") from error
    blocks = [_block(line) for line in text.split("\n") if line.strip()]
    left_out = [
        *counted("hidden-text", hidden + runs + tiny, "hidden part", "hidden parts"),
        *counted("pictures", len(PICTURE.findall(data)), "picture", "pictures"),
    ]
    name = title[1].decode("latin-1") if title else ""
    return Reading(passages_of(blocks, name), tuple(left_out), title=name)


def _block(line: str) -> Block:
    cells = [cell.strip() for cell in line.split("|")]
    if line.rstrip().endswith("|") and len(cells) > 2:
        return Block("row", "; ".join(cell for cell in cells if cell))
    return Block("prose", line.strip())
