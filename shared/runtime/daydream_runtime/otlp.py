"""Export traces, metrics and logs by OTLP. The standard `OTEL_EXPORTER_OTLP_…` variables configure
it, and `OTEL_TRACES_EXPORTER=none`, `OTEL_METRICS_EXPORTER=none` and `OTEL_LOGS_EXPORTER=none` turn
one of them off.
"""

from __future__ import annotations

import logging

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def span_processor() -> SpanProcessor:
    """Return what sends spans in batches."""
    return BatchSpanProcessor(OTLPSpanExporter())


def metric_reader() -> MetricReader:
    """Return what sends metrics periodically."""
    return PeriodicExportingMetricReader(OTLPMetricExporter())


def log_handler(resource: Resource) -> logging.Handler:
    """Return what sends log records in batches. The rest is sent when the process ends.

    What the exporters log themselves is left out: it would be sent to the collector that is away.
    """
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    handler = LoggingHandler(logger_provider=provider)
    handler.setFormatter(logging.Formatter())  # the message alone: the rest are fields of a record
    handler.addFilter(lambda record: not record.name.startswith("opentelemetry"))
    return handler
