"""A sink for OTLP over HTTP: keeps what services send."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class SpanSink:
    """What services have sent: spans, log records, and examples in histograms; by service."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.logs: list[tuple[str, Any]] = []
        self.exemplars: list[tuple[str, Any]] = []
        self.port = 0

    def take(self, path: str, body: bytes) -> None:
        match path:
            case "/v1/traces":
                for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                    for scope in part.scope_spans:
                        self.spans += [(_service(part), span) for span in scope.spans]
            case "/v1/logs":
                for logs in ExportLogsServiceRequest.FromString(body).resource_logs:
                    for log_scope in logs.scope_logs:
                        self.logs += [(_service(logs), record) for record in log_scope.log_records]
            case "/v1/metrics":
                for metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                    self.exemplars += [
                        (_service(metrics), exemplar)
                        for scope in metrics.scope_metrics
                        for metric in scope.metrics
                        for point in metric.histogram.data_points
                        for exemplar in point.exemplars
                    ]


def _service(part: Any) -> str:
    attributes = part.resource.attributes
    return next(str(each.value.string_value) for each in attributes if each.key == "service.name")


@contextmanager
def otlp_sink() -> Iterator[SpanSink]:
    sink = SpanSink()

    class OtlpHandler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            is_packed = self.headers.get("content-encoding") == "gzip"
            sink.take(self.path, gzip.decompress(body) if is_packed else body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), OtlpHandler)
    sink.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
