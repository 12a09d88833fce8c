"""Set up logs: JSON lines on standard error, with the trace id, the same for all services."""

from __future__ import annotations

import logging
import sys

from opentelemetry import trace
from pythonjsonlogger.json import JsonFormatter

from daydream_runtime.telemetry import is_sent, resource_of


class _TraceIds(logging.Filter):
    """Add the ids of the current span to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            record.trace_id = f"{context.trace_id:032x}"
            record.span_id = f"{context.span_id:016x}"
        return True


def start_logging(service: str, instance: str, level: str) -> None:
    """Write log records as JSON lines on standard error, and send them by OTLP if that is on."""
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
    handlers: list[logging.Handler] = [handler]
    if is_sent("logs"):
        from daydream_runtime import otlp  # noqa: PLC0415 (as in telemetry)

        handlers.append(otlp.log_handler(resource_of(service, instance)))
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    for chatty in (
        "urllib3",
        "httpx",
        "httpx2",
        "openai",
        "uvicorn",
        "daydream_runtime.faststream",
    ):
        logging.getLogger(chatty).setLevel(logging.WARNING)
