"""What records and front matter say about themselves, under the field names that people use."""

from __future__ import annotations

import re
from collections.abc import Mapping

from daydream_memory.reading.passages import DocumentMetadata

TEXT_FIELDS = (
    "text",
    "content",
    "body",
    "abstract",
    "fact",
    "note",
    "summary",
    "description",
    "answer",
    "response",
    "content_text",
    "content_html",
    "body_text",
    "body_html",
    "full_text",
)
TITLE_FIELDS = ("title", "name", "heading")
TAG_FIELDS = ("tags", "keywords", "categories")
LICENCE_FIELDS = ("license", "licence", "rights")
DATE_FIELDS = ("date", "published", "created", "updated", "year", "time", "timestamp")
DOMAIN_FIELDS = ("domain", "field")
SEPARATORS = re.compile(r"\s*[,;]\s*")
TIME_OF_DAY = re.compile(r"(?<=^\d{4}-\d{2}-\d{2})[T ].*$")
TAGS_MAX = 20
NO_METADATA = DocumentMetadata()


def field(record: Mapping[str, object], names: tuple[str, ...]) -> str:
    """Return the first of these fields with a value, as text, "" if none has one.

    Upper and lower case are the same.
    """
    return _first(_by_lower_name(record), names)


def metadata_of(record: Mapping[str, object]) -> DocumentMetadata:
    """Return tags, domain, licence and date of a record."""
    values = _by_lower_name(record)
    if not values:
        return NO_METADATA
    given = next((values[name] for name in TAG_FIELDS if values.get(name)), ())
    if isinstance(given, list | tuple):
        tags = [str(tag) for tag in given]
    else:
        tags = SEPARATORS.split(str(given))
    return DocumentMetadata(
        tags=tuple(tag.strip() for tag in tags if tag.strip())[:TAGS_MAX],
        domain=_first(values, DOMAIN_FIELDS),
        licence=_first(values, LICENCE_FIELDS),
        date=TIME_OF_DAY.sub("", _first(values, DATE_FIELDS)),
    )


def _first(values: Mapping[str, object], names: tuple[str, ...]) -> str:
    for name in names:
        value = values.get(name)
        if _has_value(value) and (text := str(value).strip()):
            return text
    return ""


def _by_lower_name(record: Mapping[str, object]) -> dict[str, object]:
    return {key.strip().lower(): value for key, value in record.items() if isinstance(key, str)}


def _has_value(value: object) -> bool:
    return value not in (None, "", [], {})
