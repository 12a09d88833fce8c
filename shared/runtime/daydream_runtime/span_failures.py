"""Say on a span how its work failed.

Waiting is no failure: a refusal near a cap, a full stage, a busy provider, NATS away. Such a span
gets an event, and its status stays unset. So a search for errors finds failures only, and a
collector that keeps failed daydreams does not keep all that waited.
"""

from __future__ import annotations

from opentelemetry.trace import Span, Status, StatusCode

from daydream_contracts.errors import RetryLaterError
from daydream_runtime.disposition import is_broker_error

BACKPRESSURE = "backpressure"
ERROR_TYPE = "error.type"
REASON = "daydream.reason"
TEXT_CHARS_MAX = 200


def record_failure(span: Span, error: Exception) -> None:
    """Set the span's status to an error, or add an event if the work has to wait."""
    if not span.is_recording():
        return
    kind = type(error).__name__
    if isinstance(error, RetryLaterError) or is_broker_error(error):
        record_backpressure(span, f"{kind}: {error}")
        return
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, kind))


def record_backpressure(span: Span, reason: str) -> None:
    """Add an event that says what the work waits for."""
    if span.is_recording():
        span.add_event(BACKPRESSURE, {REASON: reason[:TEXT_CHARS_MAX]})
