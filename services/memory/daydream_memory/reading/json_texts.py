"""The texts in a value of JSON, in the shapes in which chats and exports keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from daydream_memory.reading.metadata import TEXT_FIELDS
from daydream_memory.reading.tables import is_prose

PART_FIELDS = ("text", "parts", "content", "value", "blocks", "children", "plain_text", "markdown")
TEXT_TYPES = frozenset(
    (
        "",
        "text",
        "input_text",
        "output_text",
        "multimodal_text",
        "paragraph",
        "markdown",
        "message",
        "doc",
        "heading",
        "listitem",
        "bulletlist",
        "orderedlist",
        "blockquote",
        "plain",
        "rich_text",
        "link",
        "bold",
        "italic",
        "mention",
        "root",
        "list",
        "quote",
    )
)
DEPTH_MAX = 40


def text_of(value: object, depth: int = 0) -> str:
    """Return the text of a value: a string, blocks such as {"type": "text", "text": …}, or parts.

    Pictures, calls of tools and thoughts are no text.
    """
    if isinstance(value, str):
        return value
    if depth > DEPTH_MAX:
        return ""
    if isinstance(value, list):
        return _joined(value, depth)
    if not isinstance(value, Mapping):
        return ""
    kind = str(value.get("type") or value.get("content_type") or "").lower().replace("_", "")
    if kind and kind not in {name.replace("_", "") for name in TEXT_TYPES}:
        return ""
    parts = (text_of(value[name], depth + 1) for name in PART_FIELDS if value.get(name))
    return next((part for part in parts if part.strip()), "")


def _joined(values: list[object], depth: int) -> str:
    """Join blocks with a blank line, and parts of a sentence (strings between links) with none."""
    texts = [text_of(value, depth + 1) for value in values]
    inline = any(isinstance(value, str) for value in values) and any(
        isinstance(value, Mapping) for value in values
    )
    return ("" if inline else "\n\n").join(text for text in texts if text.strip())


def record_texts(record: Mapping[str, object]) -> list[str]:
    """Return the texts of a record under one of the known names: several for a list of strings."""
    named = {key.strip().lower(): value for key, value in record.items() if isinstance(key, str)}
    for name in TEXT_FIELDS:
        value = named.get(name)
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            texts = [str(item) for item in value]
        else:
            texts = [text_of(value)]
        if texts := [text.strip() for text in texts if text.strip()]:
            return texts
    return []


def sentences_in(value: object, depth: int = 0) -> Iterator[str]:
    """Yield the strings in a value that read like sentences, wherever they are."""
    if isinstance(value, str):
        if is_prose(value) and not value.lstrip().startswith(("<", "{", "http", "data:")):
            yield value
    elif depth <= DEPTH_MAX and isinstance(value, Mapping):
        for item in value.values():
            yield from sentences_in(item, depth + 1)
    elif depth <= DEPTH_MAX and isinstance(value, list):
        for item in value:
            yield from sentences_in(item, depth + 1)
