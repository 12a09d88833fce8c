"""Manuals of GNU Info to passages by headings: without menus, indexes and the names of nodes."""

from __future__ import annotations

import re

from daydream_memory.reading.line_joining import mend_hyphens
from daydream_memory.reading.outline import HEADING_CHARS_MAX
from daydream_memory.reading.passages import Passage, RawDocument, Reading, counted

NODE_START = "\x1f"
INFO = re.compile(r"^\x1f\nFile: [^\n]*?Node: ", re.MULTILINE)
NODE = re.compile(r"\s*File: [^\n]*\n")
HEADING = re.compile(r"^(\S[^\n]*)\n([*=\-.])\2{2,}[ \t]*$", re.MULTILINE)
LEVELS = {"*": 1, "=": 2, "-": 3, ".": 4}
MENU = re.compile(r"^\* Menu:[^\n]*\n(?:[ \t]*\n|\*[^\n]*\n|[ \t]{6,}[^\n]*\n)*", re.MULTILINE)
NOTE = re.compile(r"\*([Nn]ote)\s+([^:]{1,200}?)(?:::|:\s*(?:\([^)]*\))?[^.,:]{0,200}(?=[.,]))")
INDEX_TITLE = re.compile(r"\bindex$", re.IGNORECASE)


def is_info(head: str) -> bool:
    """Return whether a text has the first lines of a node."""
    return NODE_START in head and bool(INFO.search(head))


def read_info(document: RawDocument) -> Reading:
    """Return the passages of a manual, each under the path of its headings."""
    passages: list[Passage] = []
    path: list[tuple[int, str]] = []
    menus = indexes = 0
    # before the first node stands how the file was made, and the terms of use
    for node in document.text.replace("\r\n", "\n").split(NODE_START)[1:]:
        start = NODE.match(node)
        if not start:  # a table of the nodes
            continue
        text, removed = MENU.subn("", node[start.end() :])
        menus += removed
        for heading, level, body in _sections(text):
            if heading:
                path = [above for above in path if above[0] < level]
                path.append((level, heading))
            if path and INDEX_TITLE.search(path[-1][1]):
                indexes += 1
            elif body.strip():
                title = " / ".join(name for _, name in path)
                words = mend_hyphens(NOTE.sub(_see, body))
                passages.append(Passage(words, title, has_raw_lines=True))
    left_out = [
        *counted("menus", menus, "menu of the manual", "menus of the manual"),
        *counted("indexes", indexes, "index", "indexes"),
    ]
    return Reading(tuple(passages), tuple(left_out), title=path[0][1] if path else "")


def _sections(text: str) -> list[tuple[str, int, str]]:
    """Return the heading, its level and the text of each part of a node. The first has none."""
    parts = [("", 0, text)]
    for heading in HEADING.finditer(text):
        if len(heading[1]) > HEADING_CHARS_MAX:
            continue
        name, level, before = parts.pop()
        begun = len(text) - len(before)
        parts.append((name, level, text[begun : heading.start()]))
        parts.append((heading[1].strip(), LEVELS[heading[2]], text[heading.end() :]))
    return parts


def _see(note: re.Match[str]) -> str:
    return f"{'See' if note[1] == 'Note' else 'see'} {note[2]}"
