"""What spans say: which trace they are of, and which of them failed."""

from __future__ import annotations

from collections.abc import Iterator

import nats.js.errors
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_runtime.broker_errors import STREAM_FULL
from daydream_runtime.span_failures import BACKPRESSURE
from daydream_runtime.telemetry import Telemetry, start_telemetry, trace_headers
from daydream_runtime.trace_ids import trace_id_of

FULL = nats.js.errors.APIError(code=503, err_code=STREAM_FULL, description="maximum messages")


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Telemetry, InMemorySpanExporter]]:
    """Return telemetry that records, as with a collector, and what it has recorded."""
    exporter = InMemorySpanExporter()
    # An endpoint turns recording on. Its processor is replaced, since none listens.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        "daydream_runtime.otlp.span_processor", lambda: SimpleSpanProcessor(exporter)
    )
    telemetry = start_telemetry("sampler", "one")
    yield telemetry, exporter
    telemetry.traces.shutdown()


def spans_of(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return list(exporter.get_finished_spans())


def test_the_trace_of_a_daydream_is_that_of_its_pair(
    recorded: tuple[Telemetry, InMemorySpanExporter],
) -> None:
    telemetry, exporter = recorded
    for _ in range(2):  # published again after a crash
        with telemetry.span("daydream", daydream="pair-1"):
            headers = trace_headers()
    with telemetry.span("process", SpanKind.CONSUMER, headers=headers):
        pass
    with telemetry.span("something else"):
        pass
    *daydream, other = [span.context.trace_id for span in spans_of(exporter)]
    assert daydream == [trace_id_of("pair-1")] * 3
    assert other != trace_id_of("pair-1")


def test_services_that_sample_by_ratio_keep_that_share_of_daydreams() -> None:
    sampler = TraceIdRatioBased(0.1)
    decisions = [
        sampler.should_sample(None, trace_id_of(f"pair-{number}"), "daydream").decision
        for number in range(4000)
    ]
    share = decisions.count(Decision.RECORD_AND_SAMPLE) / len(decisions)
    assert 0.08 < share < 0.12


@pytest.mark.parametrize(
    ("error", "status", "events"),
    [
        (RetryLaterError("near the cap"), StatusCode.UNSET, [BACKPRESSURE]),
        (FULL, StatusCode.UNSET, [BACKPRESSURE]),
        (TimeoutError(), StatusCode.UNSET, [BACKPRESSURE]),
        (TransientError("hiccup"), StatusCode.ERROR, []),
        (PermanentError("gone", "no such fact"), StatusCode.ERROR, []),
        (KeyError("bug"), StatusCode.ERROR, []),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_backpressure_is_an_event_and_a_failure_is_an_error(
    recorded: tuple[Telemetry, InMemorySpanExporter],
    error: Exception,
    status: StatusCode,
    events: list[str],
) -> None:
    telemetry, exporter = recorded
    with pytest.raises(type(error)), telemetry.span("publish"):
        raise error
    (span,) = spans_of(exporter)
    assert span.status.status_code is status
    assert [event.name for event in span.events] == events


def test_a_request_of_no_trace_opens_none(
    recorded: tuple[Telemetry, InMemorySpanExporter],
) -> None:
    telemetry, exporter = recorded
    with telemetry.request_span("reply", {}):
        assert trace_headers() == {}
    with telemetry.span("client"):
        headers = trace_headers()
    with telemetry.request_span("reply", headers):
        pass
    client, reply = spans_of(exporter)
    assert reply.parent is not None
    assert reply.parent.span_id == client.context.span_id
    assert reply.kind is SpanKind.SERVER


def test_without_a_collector_only_ids_travel() -> None:
    telemetry = start_telemetry("sampler", "one")
    with telemetry.span("daydream", daydream="pair-1") as root:
        headers = trace_headers()
        assert not root.is_recording()
    with telemetry.request_span("reply", headers) as reply:
        assert not reply.is_recording()
        assert reply.get_span_context().trace_id == trace_id_of("pair-1")
    telemetry.close()
