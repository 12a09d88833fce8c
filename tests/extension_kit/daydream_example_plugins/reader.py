"""A reader of a kind of document that one laboratory has: its lab book in plain text."""

from __future__ import annotations

import re

from daydream_memory.reading import (
    DocumentMetadata,
    LeftOut,
    Passage,
    RawDocument,
    Reading,
    UnreadableDocumentError,
)
from daydream_memory.reading.own_readers import OwnReader

ENTRY = re.compile(r"^@@ (\d{4}-\d{2}-\d{2}) (.+)$", re.MULTILINE)
FIRST_LINE = b"LABBOOK 1"


class LabBookReader(OwnReader):
    """Reads a lab book: entries that begin with "@@", a date and a title. Samples are left out."""

    kind = "lab-book"

    def recognises(self, data: bytes, source: str) -> bool:
        """Return whether the file begins as lab books do, whatever its name is."""
        return data.startswith(FIRST_LINE)

    def read(self, document: RawDocument) -> Reading:
        """Return a passage for each entry. Refuse a lab book without entries."""
        parts = ENTRY.split(document.data.decode("utf-8"))
        entries = list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))
        if not entries:
            raise UnreadableDocumentError("a lab book without entries; begin each with @@")
        passages = []
        samples = 0
        for date, title, text in entries:
            lines = text.strip().split("\n")
            kept = [line for line in lines if not line.startswith("#sample")]
            samples += len(lines) - len(kept)
            passages.append(Passage("\n".join(kept), title, DocumentMetadata(date=date)))
        left_out = (LeftOut("samples", samples, f"{samples} samples"),) if samples else ()
        return Reading(tuple(passages), left_out)
