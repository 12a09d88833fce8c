"""RTF to passages: its paragraphs, without what is marked as hidden."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import RawDocument, Reading, UnreadableDocumentError, counted

# from \v to \v0, \plain or the end of the group; a hidden group is removed whole
HIDDEN_GROUP = re.compile(rb"\{(?:\\[a-z]+-?\d* ?)*?\\v1?(?![a-z0-9])[^{}]*\}")
HIDDEN_RUN = re.compile(rb"\\v1?(?![a-z0-9]) ?[^{}]*?(?=\\v0|\\plain|[{}])")
TINY = re.compile(rb"\\fs[0-3](?!\d) ?[^{}\\]*")
COLOURS = re.compile(rb"\{\\colortbl([^{}]*)\}")
COLOUR = re.compile(rb"\\(red|green|blue)(\d+)")
GROUND = re.compile(rb"\\(?:highlight|cb|chcbpat|cbpat|clcbpat|shading)[1-9]")
WHITE_MIN = 250
DELETED = re.compile(rb"\{\\deleted(?![a-z])[^{}]*\}")
FIELD_CODE = re.compile(
    rb"\{\\\*\\fldinst\b(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,2000}\}){0,2000}\}){0,2000}\}"
)
PICTURE = re.compile(rb"\{\\pict\b")
TITLE = re.compile(rb"\{\\title ([^{}]*)\}")


def read_rich_text(document: RawDocument) -> Reading:
    """Return the passages. Raise UnreadableDocumentError for a broken file."""
    data, hidden = HIDDEN_GROUP.subn(b"", document.data)
    data, runs = HIDDEN_RUN.subn(b"", data)
    data, tiny = TINY.subn(b"", data)
    data, white = _without_white(data)
    data = FIELD_CODE.sub(b"", DELETED.sub(b"", data))
    title = TITLE.search(data)
    try:
        text = rtf_to_text(data.decode("latin-1"), errors="replace")
    except (ValueError, IndexError, KeyError, LookupError) as error:
        raise UnreadableDocumentError(f"not a readable RTF file: {error}") from error
    blocks = [_block(line) for line in text.split("\n") if line.strip()]
    left_out = [
        *counted("hidden-text", hidden + runs + tiny + white, "hidden part", "hidden parts"),
        *counted("pictures", len(PICTURE.findall(data)), "picture", "pictures"),
    ]
    name = title[1].decode("latin-1") if title else ""
    return Reading(passages_of(blocks, name), tuple(left_out), title=name)


def _without_white(data: bytes) -> tuple[bytes, int]:
    """Remove text in a white colour, unless the file has a coloured ground somewhere."""
    table = COLOURS.search(data)
    if not table or GROUND.search(data):
        return data, 0
    whites = [str(at) for at, entry in enumerate(table[1].split(b";")) if _is_white(entry)]
    if not whites:
        return data, 0
    run = re.compile(
        rb"\\cf(?:" + "|".join(whites).encode() + rb")(?!\d) ?[^{}]*?(?=\\cf\d|\\plain|[{}])"
    )
    return run.subn(b"", data)


def _is_white(entry: bytes) -> bool:
    shares = [int(value) for _, value in COLOUR.findall(entry)]
    return len(shares) == 3 and min(shares) >= WHITE_MIN


def _block(line: str) -> Block:
    cells = [cell.strip() for cell in line.split("|")]
    if line.rstrip().endswith("|") and len(cells) > 2:
        return Block("row", "; ".join(cell for cell in cells if cell))
    return Block("prose", line.strip())
