"""Metrics of the memory. Documents are counted by each replica for itself: add them up."""

from __future__ import annotations

from daydream_contracts.metrics.declaration import Label, Metric, MetricKind

BY = ("memory",)

DOCUMENTS = Metric(
    "daydream.documents.read",
    MetricKind.COUNTER,
    "documents by what was done with them",
    BY,
    (
        Label("daydream.document.status", ("read", "skipped", "refused")),
        Label("daydream.document.kind", meaning="such as `pdf`"),
    ),
)
LEFT_OUT = Metric(
    "daydream.documents.left_out",
    MetricKind.COUNTER,
    "parts of documents that gave no fact",
    BY,
    (Label("daydream.left_out", meaning="such as `scanned-pages`, `known`, `stopped`"),),
)
DISK = Metric(
    "daydream.memory.disk",
    MetricKind.GAUGE,
    "the disk of the memory's folder",
    BY,
    (Label("of", ("free", "size")),),
    unit="By",
    always=True,
)
