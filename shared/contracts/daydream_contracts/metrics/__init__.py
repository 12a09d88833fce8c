"""Declare all metrics in one table: what is exposed, documented, drawn and alerted on.

A service makes an instrument of a row (`daydream_runtime.instruments`). The page of metrics, the
dashboards and a test that scrapes running services derive from the table.
"""

from daydream_contracts.metrics import budget, console, gateway, judging, memory, sampler, service
from daydream_contracts.metrics.declaration import Label, Metric, MetricKind, metrics_of

TABLE: tuple[Metric, ...] = tuple(
    row
    for module in (service, gateway, judging, budget, memory, sampler, console)
    for row in vars(module).values()
    if isinstance(row, Metric)
)

__all__ = ["TABLE", "Label", "Metric", "MetricKind", "metrics_of"]
