"""Readers that other packages add, by entry points of the group `daydream.readers`.

They are asked before the bundled ones: a laboratory may have a kind that others do not have, or
read PDF with text recognition. Installing the package is what turns a reader on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from importlib.metadata import entry_points

from daydream_memory.reading.passages import RawDocument, Reading

GROUP = "daydream.readers"


class OwnReader(ABC):
    """Reads one kind of document.

    `kind` is a short name for reports. `recognises` decides by the content and is quick, since it
    is asked for every document. `read` raises UnreadableDocumentError for one that it cannot read.
    """

    kind: str

    @abstractmethod
    def recognises(self, data: bytes, source: str) -> bool:
        """Return whether this reader reads the document."""

    @abstractmethod
    def read(self, document: RawDocument) -> Reading:
        """Return the passages of a document that was recognised."""


@cache
def own_readers() -> tuple[OwnReader, ...]:
    """Return the readers of installed packages, in the order of their names."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return tuple(point.load()() for point in points)


def own_reader_for(document: RawDocument) -> OwnReader | None:
    """Return the first reader that recognises the document."""
    for reader in own_readers():
        if reader.recognises(document.data, document.source):
            return reader
    return None
