"""Metrics of the memory: what was read of documents, and what was left out."""

from __future__ import annotations

from daydream_memory.document_reading import ReadDocument
from daydream_runtime.telemetry import Telemetry

STATUS = "daydream.document.status"
KIND = "daydream.document.kind"
LEFT_OUT = "daydream.left_out"
KINDS_MAX = 100  # names come from documents' readers, which may be plug-ins
OTHER_KIND = "other"


class DocumentMetrics:
    """Counts documents, and what gave no fact in them."""

    def __init__(self, telemetry: Telemetry) -> None:
        meter = telemetry.meters.get_meter("daydream")
        self._documents = meter.create_counter(
            "daydream.documents.read", description="documents by what was done with them"
        )
        self._left_out = meter.create_counter(
            "daydream.documents.left_out", description="parts of documents that gave no fact"
        )
        self._kinds: set[str] = set()

    def count(self, document: ReadDocument) -> None:
        """Count a document once it is stored."""
        self._documents.add(1, {STATUS: document.status, KIND: self._bounded(document.kind)})
        for part in document.left_out:
            self._left_out.add(part.count, {LEFT_OUT: self._bounded(part.kind)})

    def _bounded(self, kind: str) -> str:
        """Return a name, or a common one if there are too many: each is a time series."""
        if len(self._kinds) < KINDS_MAX:
            self._kinds.add(kind)
        return kind if kind in self._kinds else OTHER_KIND
