"""JSON and JSON Lines to passages, by what the values are: chats, notebooks, canvases, records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from daydream_memory.reading.allowance import stopped_at, used_up
from daydream_memory.reading.canvases import read_canvas, read_drawing
from daydream_memory.reading.cell_markup import plain_words
from daydream_memory.reading.chats import ChatReader, is_chat, is_message_list
from daydream_memory.reading.citations import csl_passage, is_csl
from daydream_memory.reading.json_texts import record_texts, sentences_in
from daydream_memory.reading.metadata import TEXT_FIELDS, TITLE_FIELDS, metadata_of
from daydream_memory.reading.metadata import field as field_of
from daydream_memory.reading.notebook import read_notebook
from daydream_memory.reading.passages import (
    LeftOut,
    Passage,
    RawDocument,
    Reading,
    SkippedDocumentError,
    UnreadableDocumentError,
    counted,
)

NO_TEXT = f"no record has a text under one of {', '.join(TEXT_FIELDS)}"
SCHEMA = "json-schema.org"
WRAPPERS_MAX = 4
LINES_PER_LOOK = 500  # at what is left of time and memory
# what programs put around the fields of a record
RECORD_INSIDE = ("_source", "attributes", "fields", "node", "properties", "document", "item")
BETWEEN = "\ufeff\x1e \t\r\n,"
NEXT_VALUE = re.compile(r"[{\[]")
Shape = Callable[[Mapping[str, object]], Reading]


def read_json(document: RawDocument) -> Reading:
    """Return the passages of one value. Raise UnreadableDocumentError if it holds no texts."""
    try:
        value = json.loads(document.text)
    except (ValueError, RecursionError) as error:
        if "\n" in document.text.strip():
            return read_json_lines(document)
        raise UnreadableDocumentError(f"not valid JSON: {error}") from None
    if isinstance(value, Mapping):
        if SCHEMA in str(value.get("$schema", "")):
            raise SkippedDocumentError("a schema of data, not a document")
        shape = shape_of(value)
        if shape is not None:
            return shape(value)
    return _read_records(list(_records(value)))


def read_json_lines(document: RawDocument) -> Reading:
    """Return the passages of a file with a value on each line."""
    reader = _RecordReader()
    passages: list[Passage] = []
    stopped: list[LeftOut] = []
    for number, value in enumerate(_lines(document.text)):
        if number % LINES_PER_LOOK == LINES_PER_LOOK - 1 and (reason := used_up()):
            lines = document.text.count("\n") + 1
            stopped = [stopped_at("line", number, lines, reason)]
            break
        passages += reader.passages(value)
    if not passages:
        return _read_records(list(_lines(document.text)))
    return _reading(passages, reader, stopped)


def _lines(text: str) -> Iterator[object]:
    """Yield the value of each line that has one, and None for one that cannot be parsed.

    Where the first line is no value, values over several lines follow one another.
    """
    if _is_spread(text):
        yield from _spread_values(text)
        return
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = end if end >= 0 else len(text)
        line, start = text[start:end], end + 1
        if line.strip():
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def _is_spread(text: str) -> bool:
    start = text.lstrip(BETWEEN)
    try:
        json.loads(start.split("\n", 1)[0])
    except (ValueError, RecursionError):
        return start.startswith(("{", "["))
    return False


def _spread_values(text: str) -> Iterator[object]:
    """Yield values that stand one behind the other, and None for what cannot be parsed."""
    decoder = json.JSONDecoder()
    place = 0
    while (start := NEXT_VALUE.search(text, place)) is not None:
        try:
            value, place = decoder.raw_decode(text, start.end() - 1)
        except (ValueError, RecursionError):
            value, place = None, start.end()
            if (line := text.find("\n{", place)) < 0:
                return
            place = line
        yield value


def shape_of(value: Mapping[str, object]) -> Shape | None:
    """Return the reader of a document that is one object of a known program."""
    cells = value.get("cells") or value.get("worksheets")
    if isinstance(cells, list) and ("nbformat" in value or "metadata" in value):
        return read_notebook
    if value.get("type") == "excalidraw" or (
        isinstance(value.get("elements"), list) and "appState" in value
    ):
        return read_drawing
    if isinstance(value.get("nodes"), list) and isinstance(value.get("edges"), list):
        return read_canvas
    return None


def _records(value: object, depth: int = 0) -> Iterator[object]:
    """Yield the records of a value: of a list, or of the list inside an object."""
    if isinstance(value, list):
        yield from [{"messages": value}] if is_message_list(value) else value
        return
    wrapped = _wrapped(value) if isinstance(value, Mapping) and depth < WRAPPERS_MAX else []
    if wrapped:
        yield from (record for item in wrapped for record in _records(item, depth + 1))
    else:
        yield value


def _wrapped(value: Mapping[str, object]) -> list[object]:
    """Return the lists of records in an object that is none itself, else its objects."""
    if is_chat(value) or record_texts(value):
        return []
    lists = [item for item in value.values() if _is_list_of_records(item)]
    inner: list[object] = [item for item in value.values() if isinstance(item, Mapping)]
    return lists or (inner if len(inner) in (1, len(value)) else [])


def _is_list_of_records(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value[:20])


def _read_records(values: list[object]) -> Reading:
    reader = _RecordReader()
    passages = [passage for value in values for passage in reader.passages(value)]
    if not passages:
        sentences = [Passage(text) for value in values for text in sentences_in(value)]
        if not sentences:
            raise UnreadableDocumentError(NO_TEXT)
        note = "the sentences of its values, since no record has a text under a known name"
        return Reading(tuple(sentences), note=note)
    return _reading(passages, reader)


def _reading(
    passages: Sequence[Passage], reader: _RecordReader, stopped: Sequence[LeftOut] = ()
) -> Reading:
    left_out = counted(
        "unreadable-records",
        reader.without_text,
        "record without a usable text",
        "records without a usable text",
    )
    return Reading(tuple(passages), (*stopped, *left_out, *reader.chats.left_out()))


@dataclass
class _RecordReader:
    """Reads records of a file, and counts those without a text."""

    chats: ChatReader = field(default_factory=ChatReader)
    without_text: int = 0

    def passages(self, value: object) -> list[Passage]:
        read = self._read(value)
        self.without_text += not read
        return read

    def _read(self, value: object) -> list[Passage]:
        if isinstance(value, str):
            return [Passage(value)] if value.strip() else []
        if isinstance(value, list) and is_message_list(value):
            value = {"messages": value}
        if not isinstance(value, Mapping):
            return []
        inner = (value.get(name) for name in RECORD_INSIDE)
        wrapped = next((item for item in inner if isinstance(item, Mapping)), None)
        own = self._read_object(value) if wrapped is None or record_texts(value) else []
        return own or self._read_object(wrapped or value)

    def _read_object(self, value: Mapping[str, object]) -> list[Passage]:
        if is_chat(value):
            return self.chats.passages(value)
        if is_csl(value):
            passage = csl_passage(value)
            return [passage] if passage else []
        title, about = field_of(value, (*TITLE_FIELDS, "question", "subject")), metadata_of(value)
        return [Passage(plain_words(text), title, about) for text in record_texts(value)]
