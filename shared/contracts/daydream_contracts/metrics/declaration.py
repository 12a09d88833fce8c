"""Describe a metric: its name, its labels, and who exposes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from daydream_contracts.grants import SERVICES

# On /metrics the unit is a word at the end of the name.
UNIT_WORDS = {
    "s": "seconds",
    "usd": "usd",
    "usd/h": "usd_per_hour",
    "1/s": "per_second",
    "By": "bytes",
    "": "",
}


class MetricKind(StrEnum):
    """Say how the values of a metric are read."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True)
class Label:
    """Describe a label. `values`: all there are, if that is known; others come with their use."""

    name: str
    values: tuple[str, ...] = ()
    meaning: str = ""

    @property
    def exposed(self) -> str:
        """Return the label's name on /metrics."""
        return self.name.replace(".", "_")


@dataclass(frozen=True)
class Metric:
    """Describe one metric.

    Counters whose labels all have known values begin at 0 for each of them: the first dead letter
    is then an increase. `always`: there is a value from the start, without any traffic.
    """

    name: str
    kind: MetricKind
    meaning: str
    services: tuple[str, ...] = SERVICES
    labels: tuple[Label, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    always: bool = False

    @property
    def exposed(self) -> str:
        """Return the name on /metrics; a histogram's without `_bucket`, `_sum` and `_count`."""
        words = [self.name.replace(".", "_"), UNIT_WORDS[self.unit]]
        if self.kind is MetricKind.COUNTER:
            words.append("total")
        return "_".join(word for word in words if word)

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names of its series on /metrics."""
        if self.kind is not MetricKind.HISTOGRAM:
            return (self.exposed,)
        return tuple(f"{self.exposed}_{part}" for part in ("bucket", "sum", "count"))


def metrics_of(service: str, table: Iterable[Metric]) -> list[Metric]:
    """Return what a service exposes."""
    return [row for row in table if service in row.services]
