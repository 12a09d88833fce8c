"""Write the page of metrics from the table of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from daydream_contracts.metrics import Metric, budget, console, gateway, judging, memory, service
from daydream_contracts.metrics import sampler as sampler_metrics

INTRO = """\
Every service serves `/metrics` in Prometheus format. The same metrics are sent by OTLP when
`OTEL_EXPORTER_OTLP_ENDPOINT` is set, with examples of traces in the buckets of histograms
(exemplars), which `/metrics` has not. The table is in
`shared/contracts/daydream_contracts/metrics`; a test runs the services and compares it with what
they expose.

On `/metrics` dots become underscores, the unit is appended, and a counter ends in `_total`. A
counter begins at 0 where its label values are known before; otherwise, as a histogram, with its
first value. Names of model calls, HTTP and messaging follow OpenTelemetry's semantic conventions.
The buckets of histograms of calls end at 2,621 s: a call may take an hour.
"""
AFTER_COMMON = """\
All services also expose `process_cpu_seconds_total`, `process_resident_memory_bytes`,
`process_open_fds`, `process_max_fds` and `process_start_time_seconds` of their process, and
`target_info` with the service's name, instance and version.
"""
AFTER_GATEWAY = """\
Model calls are counted here, and in no other service.
"""
AFTER_JUDGING = """\
All replicas of the critic compute the same history. Take the maximum over them, not the sum, for
gauges.
"""
AFTER_BUDGET = """\
All replicas of the budget show the same ledger. Take the maximum over them, not the sum. Only
refusals are counted by each replica for itself: add them up.
"""
AFTER_CONSOLE = """\
All replicas of the console see the same loop. Take the maximum over them.
"""
QUERIES = """\
## Useful queries

```promql
# the share of each limit that is used or held
max by (scope, window) (daydream_budget_usd{of="settled"})
  / max by (scope, window) (daydream_budget_usd{of="cap"})

# verdicts per hour, by decision
sum by (daydream_decision) (increase(daydream_decisions_total[1h]))

# can the critic tell a bridge from a decoy? the intervals should not overlap
max by (daydream_canary, of) (daydream_critic_canary_promotion_rate)

# what providers answer, besides answers
sum by (gen_ai_request_model, daydream_answer) (
  increase(daydream_gateway_answers_total{daydream_answer!="answer"}[1h]))

# models that a person must see to
max by (gen_ai_provider_name, gen_ai_request_model) (daydream_gateway_closed) == 2

# documents that needed more than their limits
sum(increase(daydream_documents_left_out_total{daydream_left_out="stopped"}[1d]))

# dead letters per hour, by subject
sum by (messaging_destination_name) (increase(daydream_messages_handled_total{outcome="dead"}[1h]))
```

Lag is `daydream_queue_messages` of `pending` plus `in-progress`. The [dashboards and
alerts](../monitoring.md) use these metrics.
"""
SECTIONS = (
    ("All services", service, AFTER_COMMON),
    ("Gateway", gateway, AFTER_GATEWAY),
    ("Critic and oracle", judging, AFTER_JUDGING),
    ("Budget", budget, AFTER_BUDGET),
    ("Memory", memory, ""),
    ("Sampler", sampler_metrics, ""),
    ("The loop, from the console", console, AFTER_CONSOLE),
)


def metrics_page(mark: str) -> Iterator[str]:
    """Yield the lines of the page. The mark says how it was made."""
    yield from ("# Metrics", "", mark, "", INTRO.rstrip())
    for title, module, after in SECTIONS:
        rows = [row for row in vars(module).values() if isinstance(row, Metric)]
        yield from ("", f"## {title}", "", *_table(rows))
        if after:
            yield from ("", after.rstrip())
    yield from ("", QUERIES.rstrip())


def _table(rows: Iterable[Metric]) -> Iterator[str]:
    yield "| instrument, and its name on `/metrics` | kind | meaning | labels | services |"
    yield "|---|---|---|---|---|"
    for row in rows:
        unit = f", {row.unit}" if row.unit else ""
        cells = (f"{row.kind}{unit}", row.meaning, _labels(row), _services(row))
        yield f"| `{row.name}`<br>`{row.exposed}` | {' | '.join(cells)} |"


def _labels(row: Metric) -> str:
    described = []
    for label in row.labels:
        values = ", ".join(f"`{value}`" for value in label.values)
        notes = "; ".join(note for note in (values, label.meaning) if note)
        described.append(f"`{label.exposed}`" + (f" ({notes})" if notes else ""))
    return "<br>".join(described)


def _services(row: Metric) -> str:
    return "all" if len(row.services) == 8 else ", ".join(row.services)
