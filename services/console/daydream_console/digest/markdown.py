"""A digest as Markdown. Texts by models and documents can't add links, headings or mentions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from daydream_console.digest.content import Digest, DigestItem, rating, source, texts

SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")
LINE_START = re.compile(r"^(\s*)([#>+-]|\d+[.)])", re.MULTILINE)
MENTION = re.compile(r"@(?=\w)")
WORD_JOINER = "\u2060"  # invisible: "@all" stays readable and calls no one


def markdown_digest(digest: Digest) -> str:
    """Return the digest as Markdown."""
    return "\n".join([*_head(digest), *_items(digest), *_foot(digest)]).rstrip() + "\n"


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    line = " ".join(text.split())
    escaped = LINE_START.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", line))
    return MENTION.sub(f"@{WORD_JOINER}", escaped)


def _head(digest: Digest) -> Iterator[str]:
    reader = f"For {plain(digest.reader)}. " if digest.reader else ""
    yield f"# {plain(digest.title)}"
    yield ""
    yield f"{reader}{digest.period}."
    yield digest.summary
    for alert in digest.alerts:
        yield ""
        yield f"**Alert:** {plain(alert)}"
    yield ""


def _items(digest: Digest) -> Iterator[str]:
    for number, item in enumerate(digest.items, 1):
        yield from _item(digest, item, number)


def _item(digest: Digest, item: DigestItem, number: int) -> Iterator[str]:
    insight = item.insight
    yield f"## {number}. {plain(insight.title)}"
    yield ""
    if item.note:
        yield f"*{plain(item.note)}*"
        yield ""
    yield f"**{plain(insight.hypothesis)}**"
    yield ""
    for label, text in texts(insight):
        yield f"- **{label}:** {plain(text)}"
    yield ""
    for fact in (insight.first, insight.second):
        yield f"> {plain(fact.text)}"
        yield ">"
        yield f"> — {plain(source(fact)) or 'unknown source'}"
        yield ""
    link = digest.link(insight)
    where = f" · [open]({link})" if link else ""
    yield f"{plain(rating(insight))} · {digest.when(insight.reached_at)}{where}"
    yield ""
    yield f"`daydream insights show {insight.insight_id}`"
    yield ""


def _foot(digest: Digest) -> Iterator[str]:
    if not digest.items:
        yield "Nothing new was found. See what it is doing: `daydream status`"
    elif digest.page_url:
        yield f"[All insights]({digest.page_url})"
