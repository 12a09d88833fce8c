"""What records and front matter say of themselves, under the names that people use for it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from daydream_memory.reading.passages import DocumentMetadata

TEXT_FIELDS = ("text", "content", "body", "abstract", "fact", "note", "summary", "description")
TITLE_FIELDS = ("title", "name", "heading")
TAG_FIELDS = ("tags", "keywords", "categories")
LICENCE_FIELDS = ("license", "licence", "rights")
DATE_FIELDS = ("date", "published", "created", "updated", "year", "time", "timestamp")
SEPARATORS = re.compile(r"\s*[,;]\s*")
TAGS_MAX = 20


def field(record: Mapping[str, object], names: tuple[str, ...]) -> str:
    """The first of these that holds something, as text; upper and lower case are alike."""
    lower = {key.strip().lower(): value for key, value in record.items() if isinstance(key, str)}
    return next(
        (
            str(value).strip()
            for name in names
            if (value := lower.get(name)) not in (None, "", [], {}) and str(value).strip()
        ),
        "",
    )


def about_of(record: Mapping[str, object]) -> DocumentMetadata:
    """Tags, domain, licence and date of a record."""
    lower = {key.strip().lower(): value for key, value in record.items() if isinstance(key, str)}
    given = next((lower[name] for name in TAG_FIELDS if lower.get(name)), ())
    tags = (
        [str(one) for one in given]
        if isinstance(given, (list, tuple))
        else SEPARATORS.split(str(given))
    )
    return DocumentMetadata(
        tags=tuple(tag.strip() for tag in tags if tag.strip())[:TAGS_MAX],
        domain=field(record, ("domain", "field")),
        licence=field(record, LICENCE_FIELDS),
        written=field(record, DATE_FIELDS),
    )
