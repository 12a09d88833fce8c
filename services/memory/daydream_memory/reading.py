"""Bytes to passages: decode, tell the format, split at headings and records. Says what it did; never stops a whole ingest.

Text, Markdown and JSON Lines. What is refused or skipped has a reason that a person can act on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from charset_normalizer import from_bytes
from markdown_it import MarkdownIt

TEXT_FIELDS = ("text", "content", "body", "abstract", "fact", "note")
TITLE_FIELDS = ("title", "name", "heading")
MARKDOWN = (".md", ".markdown", ".mdown")
JSON_LINES = (".jsonl", ".ndjson")
CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13, 27}) + b"\x7f"
SNIFF_BYTES = 65_536
BYTE_ORDER_MARKS = ((b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LINE_END = re.compile(r"\r\n|\r|\n")  # str.splitlines also splits at form feeds and others, which neither Markdown nor JSON does
WESTERN = "cp1252"


@dataclass(frozen=True)
class Passage:
    """A piece of a document that stands for itself."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Reading:
    """What was found in a document."""

    status: Literal["read", "skipped", "refused"]
    note: str
    passages: tuple[Passage, ...] = ()


def read_document(data: bytes, source: str) -> Reading:
    """The passages of a document, or why there are none."""
    if not data.strip():
        return Reading("skipped", "empty")
    if looks_binary(data):
        return Reading("refused", "not text (a binary file); only text, Markdown and JSON Lines can be read")
    text, remark = decode(data)
    suffix = PurePath(source).suffix.lower()
    if suffix in JSON_LINES:
        passages, bad = _json_lines(text)
        if not passages:
            return Reading("refused", f"no record has a text under one of {', '.join(TEXT_FIELDS)}")
        return Reading("read", _join(remark, f"{bad} lines without a usable record were left out" if bad else ""), passages)
    passages = tuple(_markdown(text)) if suffix in MARKDOWN else (Passage(text),)
    return Reading("read", remark, passages)


def looks_binary(data: bytes) -> bool:
    """Control characters that no text has, unless a byte order mark says that it is UTF-16 or UTF-32."""
    head = data[:SNIFF_BYTES]
    if head.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS)):
        return False
    controls = len(head) - len(head.translate(None, CONTROL_BYTES))
    return b"\x00" in head or controls > max(8, len(head) // 200)


def decode(data: bytes) -> tuple[str, str]:
    """The text, and what had to be done to get it."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), f"read as {encoding}"
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    if bad * 200 <= len(text):  # UTF-8 with a few broken bytes rather than another encoding
        return text, f"{bad} places that are not valid UTF-8 were replaced"
    guesses = from_bytes(data[: 16 * SNIFF_BYTES])
    best = guesses.best()
    # the Latin code pages are hard to tell apart; where the Western one is as plausible as the best guess, it is the likelier
    western = any(guess.encoding == WESTERN and best and guess.chaos <= best.chaos + 0.02 for guess in guesses)
    encoding = WESTERN if western or best is None else best.encoding
    return data.decode(encoding, errors="replace"), f"not UTF-8, read as {encoding}"


def _markdown(text: str) -> Iterator[Passage]:
    """A passage for each heading, without the heading; the path of headings is its title."""
    lines = LINE_END.split(text)
    tokens = MarkdownIt().parse(text)
    starts = [
        (token.map[0], token.map[1], int(token.tag[1]), tokens[at + 1].content) for at, token in enumerate(tokens) if token.type == "heading_open" and token.map
    ]
    yield Passage("\n".join(lines[: starts[0][0] if starts else None]))
    path: list[tuple[int, str]] = []
    for at, (_, body, level, heading) in enumerate(starts):
        path = [(above, name) for above, name in path if above < level] + [(level, heading)]
        end = starts[at + 1][0] if at + 1 < len(starts) else None
        yield Passage("\n".join(lines[body:end]), " / ".join(name for _, name in path))


def _json_lines(text: str) -> tuple[tuple[Passage, ...], int]:
    passages, bad = [], 0
    for line in LINE_END.split(text):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            record = None
        found = _field(record, TEXT_FIELDS)
        if found:
            passages.append(Passage(found, _field(record, TITLE_FIELDS)))
        else:
            bad += 1
    return tuple(passages), bad


def _field(record: object, names: tuple[str, ...]) -> str:
    if isinstance(record, str):
        return record if names is TEXT_FIELDS else ""
    if not isinstance(record, dict):
        return ""
    return next((value for name in names if isinstance(value := record.get(name), str) and value.strip()), "")


def _join(*remarks: str) -> str:
    return "; ".join(remark for remark in remarks if remark)
