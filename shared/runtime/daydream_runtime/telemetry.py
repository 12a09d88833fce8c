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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from threading import Thread

from opentelemetry import propagate, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Span, SpanKind, Tracer
from prometheus_client import CollectorRegistry
from pythonjsonlogger.json import JsonFormatter

CLOSE_S = 3.0  # the exporters' own limits add up to half a minute
DURATION_BUCKETS_S = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)


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
    handled: Counter
    handling_s: Histogram
    meters: MeterProvider
    traces: TracerProvider

    def close(self) -> None:
        """Send what is pending, and stop. A collector that does not answer delays no stop."""
        sending = Thread(target=self._send_and_stop, name="telemetry", daemon=True)
        sending.start()
        sending.join(CLOSE_S)

    def _send_and_stop(self) -> None:
        self.traces.shutdown()
        self.meters.shutdown()

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind = SpanKind.INTERNAL,
        *,
        headers: Mapping[str, str] | None = None,
        **attributes: str | int | float,
    ) -> Iterator[Span]:
        """Open a span, as a child of the one in `headers` if given. Write `__` for `.` in names."""
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        context = propagate.extract(dict(headers)) if headers is not None else None
        with self.tracer.start_as_current_span(
            name, context=context, kind=kind, attributes=named
        ) as span:
            yield span


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
    readers: list[MetricReader] = [PrometheusMetricReader(registry=registry)]
    is_exported = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    # Spans that go nowhere only pass on their ids: the logs show them.
    traces = TracerProvider(
        resource=resource,
        sampler=None if is_exported else ALWAYS_OFF,
        shutdown_on_exit=False,  # it would wait for the collector again
    )
    if is_exported:
        # Imported only here: it takes a fifth of a service's start.
        from daydream_runtime import otlp  # noqa: PLC0415

        traces.add_span_processor(otlp.span_processor())
        readers.append(otlp.metric_reader())
    meters = MeterProvider(readers, resource=resource, views=_views(), shutdown_on_exit=False)
    meter = meters.get_meter("daydream")
    return Telemetry(
        tracer=traces.get_tracer("daydream"),
        registry=registry,
        handled=meter.create_counter(
            "daydream.messages.handled", description="messages by destination and outcome"
        ),
        handling_s=meter.create_histogram("messaging.process.duration", unit="s"),
        meters=meters,
        traces=traces,
    )


def _views() -> list[View]:
    durations = ExplicitBucketHistogramAggregation(DURATION_BUCKETS_S)
    return [
        View(instrument_name="messaging.process.duration", aggregation=durations),
    ]


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
