"""What a reader gives: passages of a document, each of which stands for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


class UnreadableDocumentError(ValueError):
    """The document can't be read; the text says why, in words for whoever put it in."""


@dataclass(frozen=True)
class DocumentMetadata:
    """What a document or record says of itself. Empty where it says nothing."""

    tags: tuple[str, ...] = ()
    domain: str = ""
    licence: str = ""
    written: str = ""  # a date or a year, as it stands there


@dataclass(frozen=True)
class Passage:
    """A piece of a document that stands for itself. `title`: the path of headings above it, the record's title, or its page."""

    text: str
    title: str = ""
    about: DocumentMetadata = DocumentMetadata()


@dataclass(frozen=True)
class ReadResult:
    """What was found in a document."""

    status: Literal["read", "skipped", "refused"]
    note: str
    passages: tuple[Passage, ...] = ()
