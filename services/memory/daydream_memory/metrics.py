"""Metrics of the memory: what was read of documents, and what was left out."""

from __future__ import annotations

import shutil
from pathlib import Path

from daydream_contracts.metrics import memory as table
from daydream_memory.document_reading import ReadDocument
from daydream_runtime.instruments import Values
from daydream_runtime.telemetry import Telemetry

KINDS_MAX = 100  # names come from documents' readers, which may be plug-ins
OTHER_KIND = "other"


class DocumentMetrics:
    """Counts documents, and what gave no fact in them."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._documents = telemetry.counter(table.DOCUMENTS)
        self._left_out = telemetry.counter(table.LEFT_OUT)
        self._kinds: set[str] = set()

    def count(self, document: ReadDocument) -> None:
        """Count a document once it is stored."""
        self._documents.add(1, document.status, self._bounded(document.kind))
        for part in document.left_out:
            self._left_out.add(part.count, self._bounded(part.kind))

    def _bounded(self, kind: str) -> str:
        """Return a name, or a common one if there are too many: each is a time series."""
        if len(self._kinds) < KINDS_MAX:
            self._kinds.add(kind)
        return kind if kind in self._kinds else OTHER_KIND


def observe_disk(telemetry: Telemetry, folder: Path) -> None:
    """Expose the disk of the memory's folder. With Weaviate there may be none."""

    def values() -> Values:
        if not folder.exists():
            return []
        usage = shutil.disk_usage(folder)
        return [(usage.free, ("free",)), (usage.total, ("size",))]

    telemetry.gauge(table.DISK, values)
