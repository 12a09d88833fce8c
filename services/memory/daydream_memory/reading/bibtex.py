"""BibTeX to passages: the abstract of each entry, also where merged files repeat keys or fields."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from bibtexparser.entrypoint import parse_string
from bibtexparser.library import Library
from bibtexparser.middlewares import RemoveEnclosingMiddleware, ResolveStringReferencesMiddleware
from bibtexparser.model import Entry, ParsingFailedBlock

from daydream_memory.reading.allowance import stopped_at, used_up
from daydream_memory.reading.citations import MARKUP, abstracts
from daydream_memory.reading.latex_text import plain_latex
from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.passages import LeftOut, Passage, RawDocument, Reading

LISTS = ("keywords", "tags")
ENTRY = re.compile(r"^[ \t]*@[A-Za-z]+\s*[{(]", re.MULTILINE)
STRING = re.compile(r"^[ \t]*@string\s*[{(][^\n]*$", re.MULTILINE | re.IGNORECASE)
ENTRIES_PER_PART = 300
BRACED = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
VALUE_PART = re.compile(rf'{BRACED}|"(?:[^"{{}}]|{BRACED})*"|[\w:.+/-]+')
VALUE_CHARS_MAX = 20_000  # to look for parts takes the square of it where braces are open
BETWEEN_PARTS = re.compile(r"(?<=[}\"\w])\s*#\s*(?=[{\"\w])")


def read_bibtex(document: RawDocument) -> Reading:
    """Return the passages, and how many entries were left out."""
    # what the parser cannot read is counted below
    logging.getLogger("bibtexparser").setLevel(logging.ERROR)
    text, unreadable = document.text, 0
    passages: list[Passage | None] = []
    strings = "\n".join(STRING.findall(text))
    stopped: list[LeftOut] = []
    parts = _parts(text)
    for number, part in enumerate(parts):
        if number and (reason := used_up()):
            done = len(passages) + unreadable
            stopped = [stopped_at("entry", done, len(ENTRY.findall(text)), reason)]
            break
        read, broken = _passages(part if not number else f"{strings}\n{part}")
        passages += read
        unreadable += broken
    reading = abstracts(passages, unreadable)
    return replace(reading, left_out=(*stopped, *reading.left_out))


def _parts(text: str) -> list[str]:
    """Return the text in parts of some hundred entries: one that is parsed cannot be stopped."""
    starts = [entry.start() for entry in ENTRY.finditer(text)][::ENTRIES_PER_PART]
    return [text[start:end] for start, end in pairwise([0, *starts[1:], len(text)])]


def _passages(text: str) -> tuple[list[Passage | None], int]:
    """Return the passage of each entry, None for one without an abstract, and how many failed."""
    parsed = parse_string(text, parse_stack=[])
    repeated = [_rescued(block) for block in parsed.failed_blocks]
    entries = [*parsed.entries, *(entry for entry in repeated if entry is not None)]
    entries.sort(key=lambda entry: entry.start_line or 0)
    for number, entry in enumerate(entries):
        entry.key = f"{number} {entry.key}"  # a library refuses a key that it has
    strings = {string.key.lower(): _plain_value(str(string.value)) for string in parsed.strings}
    for entry in entries:
        for item in entry.fields:
            item.value = _concatenated(str(item.value), strings)
    library: Library = Library([*parsed.strings, *entries])
    for middleware in (ResolveStringReferencesMiddleware(), RemoveEnclosingMiddleware()):
        library = middleware.transform(library)
    return [_passage(entry) for entry in library.entries], repeated.count(None)


def _concatenated(value: str, strings: Mapping[str, str]) -> str:
    """Return a value of parts with # between them as one in braces. The parser leaves it as it is.

    A part is a text in braces or quotes, a number, or the name of a string.
    """
    if "#" not in value or len(value) > VALUE_CHARS_MAX:
        return value
    parts = VALUE_PART.findall(value)
    if len(parts) < 2 or "#".join(parts) != BETWEEN_PARTS.sub("#", value.strip()):
        return value
    return "{" + "".join(_plain_value(part, strings) for part in parts) + "}"


def _plain_value(part: str, strings: Mapping[str, str] | None = None) -> str:
    if part[:1] in ("{", '"'):
        return part[1:-1]
    return (strings or {}).get(part.lower(), part)


def _rescued(block: ParsingFailedBlock) -> Entry | None:
    """Return the entry of a block that failed for a repeated key or field only."""
    entry = block.ignore_error_block
    return entry if isinstance(entry, Entry) else None


def _passage(entry: Entry) -> Passage | None:
    fields: dict[str, str] = {}
    for item in entry.fields:
        name, value = item.key.lower(), MARKUP.sub("", plain_latex(str(item.value)))
        if name in LISTS and fields.get(name):
            fields[name] += f", {value}"
        elif not fields.get(name):
            fields[name] = value
    if not fields.get("abstract"):
        return None
    title = fields.get("title") or entry.key.partition(" ")[2]
    return Passage(fields["abstract"], title, metadata_of(fields))
