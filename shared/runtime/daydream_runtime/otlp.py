"""Export traces and metrics by OTLP. The standard `OTEL_EXPORTER_OTLP_…` variables configure it."""

from __future__ import annotations

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def span_processor() -> SpanProcessor:
    """Return what sends spans in batches."""
    return BatchSpanProcessor(OTLPSpanExporter())


def metric_reader() -> MetricReader:
    """Return what sends metrics periodically."""
    return PeriodicExportingMetricReader(OTLPMetricExporter())
