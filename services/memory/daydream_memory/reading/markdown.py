"""Markdown to passages: one for each heading.

Front matter (YAML between two lines of ---) says what the document is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from daydream_memory.reading.metadata import TITLE_FIELDS, field, metadata_of
from daydream_memory.reading.passages import DocumentMetadata, Passage, Passages

# str.splitlines also splits at form feeds and others, which neither Markdown nor JSON does
LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class _Heading:
    """A heading: its first line, the line after it, its level and its text."""

    line: int
    end: int
    level: int
    text: str


def read_markdown(text: str) -> Passages:
    """Return a passage for each heading, without the heading. Its title is the path of headings."""
    lines = LINE_END.split(text)
    tokens = MarkdownIt().use(front_matter_plugin).parse(text)
    front = next((token for token in tokens if token.type == "front_matter"), None)
    metadata, title = _front_matter(front)
    headings = _headings(tokens)
    ends = [heading.line for heading in headings] + [len(lines)]
    start = front.map[1] if front and front.map else 0
    passages = [Passage("\n".join(lines[start : ends[0]]), title, metadata)]
    path: list[_Heading] = []
    for heading, end in zip(headings, ends[1:], strict=True):
        path = [above for above in path if above.level < heading.level] + [heading]
        title = " / ".join(above.text for above in path)
        passages.append(Passage("\n".join(lines[heading.end : end]), title, metadata))
    return tuple(passages), ""


def _headings(tokens: list[Token]) -> list[_Heading]:
    return [
        _Heading(token.map[0], token.map[1], int(token.tag[1]), content.content)
        for token, content in pairwise(tokens)
        if token.type == "heading_open" and token.map
    ]


def _front_matter(token: Token | None) -> tuple[DocumentMetadata, str]:
    """Return the metadata and the title."""
    try:
        values = yaml.safe_load(token.content) if token else None
    except yaml.YAMLError:  # two lines of --- around something else
        values = None
    if not isinstance(values, dict):
        return DocumentMetadata(), ""
    return metadata_of(values), field(values, TITLE_FIELDS)
