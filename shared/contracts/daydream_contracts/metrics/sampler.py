"""Metrics of the sampler. Each replica counts for itself: add them up."""

from __future__ import annotations

from daydream_contracts.metrics.declaration import Label, Metric, MetricKind

PAIRS = Metric(
    "daydream.pairs",
    MetricKind.COUNTER,
    "pairs found, by what became of them",
    ("sampler",),
    (Label("outcome", ("published", "refused"), "`refused`: no money for it now"),),
    always=True,
)
