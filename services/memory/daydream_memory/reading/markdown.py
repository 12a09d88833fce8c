"""Markdown to passages: one for each heading; front matter (YAML between two lines of ---) says what the document is about."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.front_matter import front_matter_plugin

from daydream_memory.reading.about import TITLE_FIELDS, about_of, field
from daydream_memory.reading.passages import DocumentMetadata, Passage

LINE_END = re.compile(
    r"\r\n|\r|\n"
)  # str.splitlines also splits at form feeds and others, which neither Markdown nor JSON does


def read_markdown(text: str) -> Iterator[Passage]:
    """A passage for each heading, without the heading; the path of headings is its title."""
    lines = LINE_END.split(text)
    tokens = MarkdownIt().use(front_matter_plugin).parse(text)
    front = next((token for token in tokens if token.type == "front_matter"), None)
    about, name = _front_matter(front)
    starts = [
        (token.map[0], token.map[1], int(token.tag[1]), tokens[at + 1].content)
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and token.map
    ]
    first = front.map[1] if front and front.map else 0
    yield Passage("\n".join(lines[first : starts[0][0] if starts else None]), name, about)
    path: list[tuple[int, str]] = []
    for at, (_, body, level, heading) in enumerate(starts):
        path = [(above, title) for above, title in path if above < level] + [(level, heading)]
        end = starts[at + 1][0] if at + 1 < len(starts) else None
        yield Passage("\n".join(lines[body:end]), " / ".join(title for _, title in path), about)


def _front_matter(token: Token | None) -> tuple[DocumentMetadata, str]:
    try:
        found = yaml.safe_load(token.content) if token else None
    except yaml.YAMLError:  # two lines of --- around something else
        found = None
    return (
        (about_of(found), field(found, TITLE_FIELDS))
        if isinstance(found, dict)
        else (DocumentMetadata(), "")
    )
