"""Make the instruments of the table of metrics (`daydream_contracts.metrics`).

A counter is a dict that is read when metrics are collected: to count costs a tenth of what a
counter of the SDK costs, and a series can begin at 0. Label values are given in the order of the
row. A histogram remembers an example of each bucket with its trace, and sends it by OTLP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import product

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from daydream_contracts.metrics import Metric, MetricKind

Labels = tuple[str, ...]
Values = Iterable[tuple[float, Labels]]


class Tally:
    """Count by labels. Reading and counting may be in different threads."""

    def __init__(self, metric: Metric, meter: Meter) -> None:
        assert metric.kind is MetricKind.COUNTER
        self._metric = metric
        self._counts: dict[Labels, float] = {}
        if all(label.values for label in metric.labels):
            self.start(*(label.values for label in metric.labels))
        meter.create_observable_counter(
            metric.name, [self._observe], unit=metric.unit, description=metric.meaning
        )

    def start(self, *values: Iterable[str]) -> None:
        """Let the series of all combinations of these label values begin at 0."""
        for labels in product(*values):
            self._counts.setdefault(labels, 0)

    def add(self, amount: float, *labels: str) -> None:
        """Count."""
        self._counts[labels] = self._counts.get(labels, 0) + amount

    def _observe(self, _: CallbackOptions) -> list[Observation]:
        counts = self._counts.copy()
        return [
            Observation(count, _named(self._metric, labels)) for labels, count in counts.items()
        ]


class Distribution:
    """Record durations or sizes by labels. An empty label value is left out."""

    def __init__(self, metric: Metric, meter: Meter) -> None:
        assert metric.kind is MetricKind.HISTOGRAM
        self._metric = metric
        self._attributes: dict[Labels, Mapping[str, str]] = {}
        self._histogram = meter.create_histogram(
            metric.name,
            unit=metric.unit,
            description=metric.meaning,
            explicit_bucket_boundaries_advisory=metric.buckets,
        )

    def record(self, value: float, *labels: str) -> None:
        """Record one value."""
        attributes = self._attributes.get(labels)
        if attributes is None:
            attributes = self._attributes[labels] = _named(self._metric, labels)
        self._histogram.record(value, attributes)


def add_gauge(metric: Metric, meter: Meter, values: Callable[[], Values]) -> None:
    """Register a gauge whose values are read when metrics are collected."""
    assert metric.kind is MetricKind.GAUGE

    def observe(_: CallbackOptions) -> list[Observation]:
        return [Observation(value, _named(metric, labels)) for value, labels in values()]

    meter.create_observable_gauge(
        metric.name, [observe], unit=metric.unit, description=metric.meaning
    )


def _named(metric: Metric, labels: Labels) -> Mapping[str, str]:
    names = (label.name for label in metric.labels)
    return {name: value for name, value in zip(names, labels, strict=True) if value}
