"""Set up traces, metrics and logs, in the same way for all services.

Traces and metrics go out by OTLP if `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Metrics are always on
`/metrics`. Logs are JSON lines on standard error, with the trace id. One daydream is one trace:
its context travels in the message headers. Names follow OpenTelemetry's conventions for messaging
and for generative AI. Metrics of decisions and of money are defined where they are counted.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from opentelemetry import propagate, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Tracer
from prometheus_client import CollectorRegistry, ProcessCollector
from pythonjsonlogger.json import JsonFormatter

from daydream_contracts.metrics import Metric
from daydream_runtime.instruments import Distribution, Tally, Values, add_gauge
from daydream_runtime.span_failures import record_failure
from daydream_runtime.trace_ids import TraceIds, derived_trace

TRACEPARENT = "traceparent"


class Attribute:
    """Name the attributes that are used in more than one place."""

    PAIR = "daydream.pair.id"
    HYPOTHESIS = "daydream.hypothesis.id"
    STAGE = "daydream.stage"
    COST = "daydream.cost.usd"
    OPERATION = "gen_ai.operation.name"
    PROVIDER = "gen_ai.provider.name"
    REQUEST_MODEL = "gen_ai.request.model"
    RESPONSE_MODEL = "gen_ai.response.model"
    TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 (an attribute name)
    ERROR = "error.type"
    DESTINATION = "messaging.destination.name"


@dataclass(frozen=True)
class Telemetry:
    """Hold the instruments of one service."""

    tracer: Tracer
    registry: CollectorRegistry
    meter: Meter
    meters: MeterProvider
    traces: TracerProvider

    def close(self) -> None:
        """Send what is pending, and stop."""
        self.traces.shutdown()
        self.meters.shutdown()

    def counter(self, metric: Metric) -> Tally:
        """Return the counter of a row of the table of metrics."""
        return Tally(metric, self.meter)

    def histogram(self, metric: Metric) -> Distribution:
        """Return the histogram of a row."""
        return Distribution(metric, self.meter)

    def gauge(self, metric: Metric, values: Callable[[], Values]) -> None:
        """Register the gauge of a row. `values` is called when metrics are collected."""
        add_gauge(metric, self.meter, values)

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        headers: Mapping[str, str] | None = None,
        daydream: str = "",
        **attributes: str | int | float,
    ) -> Iterator[Span]:
        """Open a span, as a child of the one in `headers` if given. Write `__` for `.` in names.

        `daydream`: id of a pair, whose trace begins here (see `trace_ids`). An exception sets the
        status (see `span_failures`).
        """
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        context = propagate.extract(dict(headers)) if headers is not None else None
        with derived_trace(daydream):
            span = self.tracer.start_span(name, context=context, kind=kind, attributes=named)
        with self._current(span):
            yield span

    @contextmanager
    def request_span(self, name: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """Continue the trace of a request, in a span if that trace is recorded.

        A request of no trace costs nothing: many are polls, and each would be a trace.
        """
        if TRACEPARENT not in headers:
            yield INVALID_SPAN
            return
        context = propagate.extract(dict(headers))
        caller = trace.get_current_span(context)
        if caller.get_span_context().trace_flags.sampled:
            caller = self.tracer.start_span(name, context=context, kind=SpanKind.SERVER)
        with self._current(caller):
            yield caller

    @contextmanager
    def _current(self, span: Span) -> Iterator[None]:
        with trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            try:
                yield
            except Exception as error:
                record_failure(span, error)
                raise


def trace_headers() -> dict[str, str]:
    """Return the current trace context as message headers."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def start_telemetry(service: str, instance: str) -> Telemetry:
    """Create the telemetry of a service, with a separate registry, since tests run several."""
    resource = Resource.create(
        {
            "service.name": f"daydream-{service}",
            "service.instance.id": instance,
            "service.version": version("daydream-runtime"),
        }
    )
    registry = CollectorRegistry()
    readers: list[MetricReader] = [
        PrometheusMetricReader(registry=registry, scope_info_enabled=False)
    ]
    is_exported = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    # Spans that go nowhere only pass on their ids: the logs show them.
    traces = TracerProvider(
        resource=resource, sampler=None if is_exported else ALWAYS_OFF, id_generator=TraceIds()
    )
    if is_exported:
        # Imported only here: it takes a fifth of a service's start.
        from daydream_runtime import otlp  # noqa: PLC0415

        traces.add_span_processor(otlp.span_processor())
        readers.append(otlp.metric_reader())
    meters = MeterProvider(readers, resource=resource)
    ProcessCollector(registry=registry)
    return Telemetry(
        tracer=traces.get_tracer("daydream"),
        registry=registry,
        meter=meters.get_meter("daydream"),
        meters=meters,
        traces=traces,
    )


class _TraceIds(logging.Filter):
    """Add the ids of the current span to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = f"{context.trace_id:032x}"
            record.span_id = f"{context.span_id:016x}"
        return True


def start_logging(service: str, instance: str, level: str) -> None:
    """Write log records as JSON lines on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_TraceIds())
    handler.setFormatter(
        JsonFormatter(
            "{levelname}{name}{message}",
            style="{",
            timestamp=True,
            rename_fields={"levelname": "level", "name": "logger"},
            static_fields={"service": service, "instance": instance},
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("httpx", "httpx2", "openai", "uvicorn", "daydream_runtime.faststream"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
