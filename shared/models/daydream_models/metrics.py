"""Metrics and spans of model calls, by OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from daydream_contracts.events import NANOUSD_PER_USD
from daydream_models.provider import ChatRequest
from daydream_models.provider_answers import ProviderAnswer
from daydream_models.provider_errors import ModelCallError
from daydream_runtime.telemetry import DURATION_BUCKETS_S, Attribute, Telemetry

TOKEN_BUCKETS = tuple(4**power for power in range(14))


class ModelMetrics:
    """Cost, saving, duration and tokens of the calls of one stage to one model."""

    def __init__(self, telemetry: Telemetry, stage: str, model: str) -> None:
        meter = telemetry.meters.get_meter("daydream")
        self._labels = {Attribute.STAGE: stage, Attribute.REQUEST_MODEL: model}
        self._spent_usd = meter.create_counter(
            "daydream.spent", unit="usd", description="settled cost of model calls"
        )
        self._saved_usd = meter.create_counter(
            "daydream.saved", unit="usd", description="saving of calls that were made in a batch"
        )
        self.call_s = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
        )
        self.call_tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )

    def add_cost(self, cost_nanousd: int, saved_nanousd: int | None = None) -> None:
        """Count what a call cost and, for a call in a batch, what the batch saved."""
        self._spent_usd.add(cost_nanousd / NANOUSD_PER_USD, self._labels)
        if saved_nanousd is not None:
            self._saved_usd.add(saved_nanousd / NANOUSD_PER_USD, self._labels)


@dataclass
class ObservedCall:
    """A chat call in progress. Its answer completes the span and the metrics."""

    metrics: ModelMetrics
    span: Span
    labels: dict[str, Any]
    failed: dict[str, Any] = field(default_factory=dict)

    def answered(self, answer: ProviderAnswer) -> None:
        """Record model, reason of the end, and tokens of the answer."""
        self.span.set_attributes(
            {
                Attribute.RESPONSE_MODEL: answer.model,
                "gen_ai.response.finish_reasons": (answer.finish_reason,),
            }
        )
        if answer.usage is None:
            return
        tokens = {"input": answer.usage.input_tokens, "output": answer.usage.output_tokens}
        for kind, count in tokens.items():
            self.span.set_attribute(f"gen_ai.usage.{kind}_tokens", count)
            self.metrics.call_tokens.record(count, {**self.labels, Attribute.TOKEN_TYPE: kind})


@contextmanager
def observe_call(
    telemetry: Telemetry, metrics: ModelMetrics, model: str, provider: str, request: ChatRequest
) -> Iterator[ObservedCall]:
    """Trace one chat call and record its duration, also when it fails."""
    labels: dict[str, Any] = {
        Attribute.OPERATION: "chat",
        Attribute.PROVIDER: provider or "openai",
        Attribute.REQUEST_MODEL: model,
    }
    attributes: dict[str, Any] = {
        **labels,
        "gen_ai.request.max_tokens": request.output_tokens_max,
        "gen_ai.request.seed": request.seed,
        "gen_ai.output.type": "json",
    }
    started = time.perf_counter()
    with telemetry.tracer.start_as_current_span(
        f"chat {model}", kind=SpanKind.CLIENT, attributes=attributes
    ) as span:
        call = ObservedCall(metrics, span, labels)
        try:
            yield call
        except ModelCallError as error:
            call.failed = {Attribute.ERROR: type(error.failure).__name__}
            span.set_attributes(call.failed)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            metrics.call_s.record(time.perf_counter() - started, {**labels, **call.failed})
