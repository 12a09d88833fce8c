"""Read documents: from bytes to passages, by what they are and not by their name.

`read_document` is all that the rest of the memory needs. `document_reader.py` has the way of a
document, `kinds.py` the reader of each kind, `own_readers.py` those of other packages.
"""

from daydream_memory.reading.document_reader import FORMATS, read_document
from daydream_memory.reading.passages import (
    DocumentMetadata,
    LeftOut,
    Passage,
    PassageKind,
    RawDocument,
    Reading,
    ReadResult,
    UnreadableDocumentError,
)

__all__ = [
    "FORMATS",
    "DocumentMetadata",
    "LeftOut",
    "Passage",
    "PassageKind",
    "RawDocument",
    "ReadResult",
    "Reading",
    "UnreadableDocumentError",
    "read_document",
]
