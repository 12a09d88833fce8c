"""One daydream is one trace, from draw to insight, through every service that works on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from daydream_runtime.trace_ids import trace_id_of
from support.otlp import SpanSink, otlp_sink
from support.programs import Daydream, priced_endpoint

SERVICES = {
    f"daydream-{name}"
    for name in (
        "sampler",
        "synthesizer",
        "critic",
        "oracle",
        "memory",
        "budget",
        "gateway",
    )
}
ERROR = 2  # of OTLP's status codes


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SpanSink, list[Any]]]:
    """Run daydreams until some are promoted by the oracle. Return what was sent, and verdicts."""
    folder = tmp_path_factory.mktemp("traces")
    with otlp_sink() as sink, priced_endpoint(folder) as endpoint:
        daydream = Daydream(
            folder / "user",
            endpoint,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{sink.port}",
            OTEL_BSP_SCHEDULE_DELAY="200",
            OTEL_METRIC_EXPORT_INTERVAL="1000",
            DAYDREAM_SAMPLER_STAGES="synthesizer,critic,oracle",
            DAYDREAM_CRITIC_PROMOTE_SCORE="6",
        )
        daydream.json("run", "-n", "16", "--cap", "2")
        with daydream.up() as running:
            verdicts = running.verdicts()
        yield sink, verdicts


def test_a_promoted_daydream_is_one_trace_through_all_services(
    traced: tuple[SpanSink, list[Any]],
) -> None:
    sink, verdicts = traced
    promoted = next(row for row in verdicts if row["decision"] == "promoted")
    trace_id = trace_id_of(promoted["hypothesis"]["pair"]["pair_id"]).to_bytes(16)
    spans = [(service, span) for service, span in sink.spans if span.trace_id == trace_id]
    assert {service for service, _ in spans} == SERVICES
    by_id = {span.span_id: (service, span.name) for service, span in spans}
    edges = {((service, span.name), by_id.get(span.parent_span_id)) for service, span in spans}
    request = ("daydream-gateway", "POST /v1/chat/completions")
    synthesis = ("daydream-synthesizer", "process daydream.pair.sampled")
    judging = ("daydream-critic", "process daydream.hypothesis.proposed")
    examination = ("daydream-oracle", "process daydream.candidate.nominated")
    verdict = ("daydream-memory", "process daydream.verdict.reached")
    assert edges >= {
        (("daydream-sampler", "daydream"), None),
        (("daydream-budget", "reply daydream.budget.open"), ("daydream-sampler", "daydream")),
        (synthesis, ("daydream-sampler", "publish daydream.pair.sampled")),
        (request, synthesis),
        (("daydream-budget", "reply daydream.budget.authorize"), request),
        (("daydream-gateway", "chat priced-1"), request),
        (judging, ("daydream-synthesizer", "publish daydream.hypothesis.proposed")),
        (request, judging),
        (examination, ("daydream-critic", "publish daydream.candidate.nominated")),
        (request, examination),
        (verdict, ("daydream-oracle", "publish daydream.verdict.reached")),
        (("daydream-budget", "reply daydream.budget.release"), verdict),
    }
    assert all(span.status.code != ERROR for _, span in spans)
    chat = next(span for _, span in spans if span.name == "chat priced-1")
    assert {"gen_ai.operation.name", "gen_ai.request.model", "gen_ai.usage.input_tokens"} <= {
        attribute.key for attribute in chat.attributes
    }


def test_each_daydream_has_its_own_trace_and_a_promoted_one_says_so(
    traced: tuple[SpanSink, list[Any]],
) -> None:
    sink, verdicts = traced
    roots = [span.trace_id for _, span in sink.spans if span.name == "daydream"]
    pairs = {row["hypothesis"]["pair"]["pair_id"] for row in verdicts}
    assert {trace_id_of(pair_id).to_bytes(16) for pair_id in pairs} <= set(roots)
    decided = {
        span.trace_id
        for _, span in sink.spans
        for attribute in span.attributes
        if attribute.key == "daydream.decision" and attribute.value.string_value == "promoted"
    }
    promoted = {
        trace_id_of(row["hypothesis"]["pair"]["pair_id"]).to_bytes(16)
        for row in verdicts
        if row["decision"] == "promoted"
    }
    assert promoted
    assert promoted <= decided


def test_log_lines_are_sent_with_the_trace_that_they_belong_to(
    traced: tuple[SpanSink, list[Any]],
) -> None:
    sink, verdicts = traced
    promoted = next(row for row in verdicts if row["decision"] == "promoted")
    trace_id = trace_id_of(promoted["hypothesis"]["pair"]["pair_id"]).to_bytes(16)
    lines = [
        (service, record.body.string_value)
        for service, record in sink.logs
        if record.trace_id == trace_id
    ]
    assert ("daydream-sampler", "pair drawn") in lines
    assert any(
        service == "daydream-oracle" and line.startswith("verdict: promoted")
        for service, line in lines
    )
    assert {service for service, _ in sink.logs} >= SERVICES


def test_histograms_carry_examples_of_traces(traced: tuple[SpanSink, list[Any]]) -> None:
    sink, _ = traced
    known = {span.trace_id for _, span in sink.spans}
    for service in ("daydream-synthesizer", "daydream-gateway", "daydream-budget"):
        examples = {example.trace_id for name, example in sink.exemplars if name == service}
        assert examples & known, service
