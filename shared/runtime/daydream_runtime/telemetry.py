"""Set up traces and metrics, in the same way for all services.

Both go out by OTLP if `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Metrics are always on `/metrics`; the
table of them is `daydream_contracts.metrics`. One daydream is one trace: its context travels in the
headers of messages and requests. Names follow OpenTelemetry's conventions for messaging and for
generative AI.

Every span is sent. Which traces are kept is decided where all spans of a trace meet: in the
collector, once the daydream is over (`deploy/otel/collector.yaml`). A service can't decide it,
since the sampler has long forgotten a daydream that the oracle promotes. Without such a collector,
`OTEL_TRACES_SAMPLER=parentbased_traceidratio` keeps a share of the daydreams, whatever becomes of
them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from threading import Thread

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Tracer
from prometheus_client import CollectorRegistry, ProcessCollector

from daydream_contracts.metrics import Metric
from daydream_runtime.instruments import Distribution, Tally, Values, add_gauge
from daydream_runtime.span_failures import record_failure
from daydream_runtime.trace_ids import TraceIds, derived_trace

TRACEPARENT = "traceparent"
CLOSE_S = 3.0  # the exporters' own limits add up to half a minute


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
    records: bool

    def close(self) -> None:
        """Send what is pending, and stop. A collector that does not answer delays no stop."""
        sending = Thread(target=self._send_and_stop, name="telemetry", daemon=True)
        sending.start()
        sending.join(CLOSE_S)

    def _send_and_stop(self) -> None:
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
        status (see `span_failures`). Where no traces are sent, the trace is passed on without a
        span.
        """
        context = None if headers is None else propagate.extract(dict(headers))
        known = trace.get_current_span(context)
        if not self.records and known.get_span_context().is_valid and not daydream:
            with _attached(context):
                yield known
            return
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        with derived_trace(daydream):
            span = self.tracer.start_span(name, context=context, kind=kind, attributes=named)
        with _current(span):
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
        if self.records and caller.get_span_context().trace_flags.sampled:
            span = self.tracer.start_span(name, context=context, kind=SpanKind.SERVER)
            with _current(span):
                yield span
        else:
            with _attached(context):
                yield caller


@contextmanager
def _attached(context: Context | None) -> Iterator[None]:
    """Make a trace that is not recorded here the current one, so that it is passed on."""
    if context is None:
        yield
        return
    token = attach(context)
    try:
        yield
    finally:
        detach(token)


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """Make a span the current one until it ends, and record an exception."""
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


def is_sent(signal: str) -> bool:
    """Return True if traces, metrics or logs are sent by OTLP."""
    is_off = os.environ.get(f"OTEL_{signal.upper()}_EXPORTER") == "none"
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")) and not is_off


def resource_of(service: str, instance: str) -> Resource:
    """Describe a replica, for all that it sends."""
    return Resource.create(
        {
            "service.name": f"daydream-{service}",
            "service.instance.id": instance,
            "service.version": version("daydream-runtime"),
        }
    )


def start_telemetry(service: str, instance: str) -> Telemetry:
    """Create the telemetry of a service, with a separate registry, since tests run several."""
    resource = resource_of(service, instance)
    registry = CollectorRegistry()
    readers: list[MetricReader] = [
        PrometheusMetricReader(registry=registry, scope_info_enabled=False)
    ]
    # Spans that go nowhere only pass on their ids: the logs show them.
    sampler = None if is_sent("traces") else ALWAYS_OFF
    traces = TracerProvider(
        resource=resource,
        sampler=sampler,
        id_generator=TraceIds(),
        shutdown_on_exit=False,  # it would wait for the collector again
    )
    if is_sent("traces") or is_sent("metrics"):
        # Imported only here: it takes a fifth of a service's start.
        from daydream_runtime import otlp  # noqa: PLC0415

        if is_sent("traces"):
            traces.add_span_processor(otlp.span_processor())
        if is_sent("metrics"):
            readers.append(otlp.metric_reader())
    meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    ProcessCollector(registry=registry)
    return Telemetry(
        tracer=traces.get_tracer("daydream"),
        registry=registry,
        meter=meters.get_meter("daydream"),
        meters=meters,
        traces=traces,
        records=is_sent("traces"),
    )
