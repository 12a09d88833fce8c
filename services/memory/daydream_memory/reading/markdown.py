"""Markdown to passages: one for the text under each heading, code apart.

Data: note syntax → plain Markdown → HTML (`markdown-it`) → blocks. So comments, pictures, hidden
parts, tables and nested HTML are treated as in a web page.
"""

from __future__ import annotations

import html
from dataclasses import replace
from functools import cache

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from daydream_memory.reading.front_matter import split_front_matter
from daydream_memory.reading.metadata import TAGS_MAX, TITLE_FIELDS, field, metadata_of
from daydream_memory.reading.note_syntax import plain_markdown
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import LeftOut, RawDocument, Reading
from daydream_memory.reading.web_page import read_fragment


def read_markdown(document: RawDocument) -> Reading:
    """Return a passage for each heading, without the heading. Its title is the path of headings."""
    values, text = split_front_matter(document.text.lstrip("\ufeff").replace("\r\n", "\n"))
    text, report = plain_markdown(text)
    blocks, left_out = markdown_blocks(text)
    metadata = metadata_of(values)
    tags = (*metadata.tags, *(tag for tag in report.tags if tag not in metadata.tags))
    title = field(values, TITLE_FIELDS)
    passages = passages_of(blocks, title, replace(metadata, tags=tags[:TAGS_MAX]))
    return Reading(passages, merged((*report.left_out(), *left_out)), title=title)


def markdown_blocks(text: str) -> tuple[list[Block], list[LeftOut]]:
    """Return the blocks of plain Markdown, and what was left out."""
    return read_fragment(_parser().render(text))


@cache
def _parser() -> MarkdownIt:
    """Return the parser: to make it takes as long as to parse a page."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # both dollars tight against the formula: prices are none
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, renderer=_formula)
    return parser


def _formula(content: str, options: dict[str, bool]) -> str:
    return html.escape(f"${content.strip()}$")


def merged(left_out: tuple[LeftOut, ...]) -> tuple[LeftOut, ...]:
    """Return the report without entries that say the same."""
    return tuple(dict.fromkeys(left_out))
