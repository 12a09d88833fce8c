"""What a reader returns: passages of a document, each complete in itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


class UnreadableDocumentError(ValueError):
    """The document cannot be read. The text gives the reason to the person who added it.

    `left_out`: what was found in it, such as the pages of a scan.
    """

    def __init__(self, reason: str, left_out: Sequence[LeftOut] = ()) -> None:
        super().__init__(reason)
        self.left_out = tuple(left_out)


class SkippedDocumentError(UnreadableDocumentError):
    """The file is no document, such as a lock file or a program. The text gives the reason."""


@dataclass(frozen=True)
class DocumentMetadata:
    """What a document or record says about itself. Empty where it says nothing.

    `date` is a day or a year, as the document has it.
    """

    tags: tuple[str, ...] = ()
    domain: str = ""
    licence: str = ""
    date: str = ""


PassageKind = Literal["prose", "code", "table", "reference"]


@dataclass(frozen=True)
class Passage:
    """A piece of a document.

    `title`: the path of headings above it, the title of its record, or its page.
    `kind`: what the piece consists of, as far as the format says so.
    `has_raw_lines`: its paragraphs have the line ends of the document, as plain text has. Readers
    of other formats join them, so that several lines are items.
    """

    text: str
    title: str = ""
    metadata: DocumentMetadata = DocumentMetadata()
    kind: PassageKind = "prose"
    has_raw_lines: bool = False


@dataclass(frozen=True)
class LeftOut:
    """Something in the document that gave no passage.

    `kind`: a short name for programs: "scanned-pages", "hidden-text", "pictures", "equations".
    `text`: a sentence for a person, with the count in it: "pages 2–5 hold no text: scanned".
    """

    kind: str
    count: int
    text: str


@dataclass(frozen=True)
class RawDocument:
    """A document before it is read.

    `text` is the decoded content of a text format, "" for the others. `depth` counts the archives
    that the document was in. `passwords` are tried on an encrypted one. `title` is what the library
    that it is from calls it, "" for none.
    """

    data: bytes
    source: str
    text: str = ""
    depth: int = 0
    passwords: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Reading:
    """What the reader of one kind made of a document.

    `title` is the document's own: passages without a title get it. `note` says how it was read.
    `kind` is a more exact one than that which was recognised, such as "notebook" for JSON.
    """

    passages: tuple[Passage, ...]
    left_out: tuple[LeftOut, ...] = ()
    note: str = ""
    title: str = ""
    kind: str = ""


@dataclass(frozen=True)
class ReadResult:
    """The result of reading a document.

    `kind`: the kind of document that was recognised by its content, such as "pdf" or "mail".
    `left_out`: what gave no passage, and why. It may be filled whatever the status is.
    """

    status: Literal["read", "skipped", "refused"]
    note: str
    passages: tuple[Passage, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    kind: str = ""


def counted(
    kind: str, count: int, singular: str, plural: str, did: str = "left out"
) -> list[LeftOut]:
    """Return a list with an entry for this number of things, an empty list for none."""
    if not count:
        return []
    subject = f"1 {singular} was" if count == 1 else f"{count:,} {plural} were"
    return [LeftOut(kind, count, f"{subject} {did}")]
