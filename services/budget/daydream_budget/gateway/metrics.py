"""Metrics and spans of model calls, by OpenTelemetry's conventions for generative AI.

One span and one duration per attempt that reached a provider; cost and tokens once per billed call.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.models import PreparedCall, ServedModel
from daydream_budget.gateway.providers.dispositions import AnswerRow, classify
from daydream_budget.gateway.providers.provider import CHAT_PATH, EMBEDDINGS_PATH
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_runtime.span_failures import record_back_pressure
from daydream_runtime.telemetry import DURATION_BUCKETS_S, Attribute, Telemetry

TOKEN_BUCKETS = tuple(4**power for power in range(14))
OPERATIONS = {CHAT_PATH: "chat", EMBEDDINGS_PATH: "embeddings"}


@dataclass
class ObservedCall:
    """An attempt in progress. Its answer completes the span."""

    span: Span
    row: AnswerRow | None = None

    def ended(self, reply: ProviderReply) -> AnswerRow:
        """Record what came, and return the row of the table of answers that it belongs to."""
        self.row = row = classify(reply)
        self.span.set_attributes(
            {
                Attribute.RESPONSE_MODEL: reply.model,
                "gen_ai.response.finish_reasons": (reply.finish,),
                "daydream.answer": row.name,
            }
        )
        if reply.usage is not None:
            self.span.set_attributes(
                {
                    "gen_ai.usage.input_tokens": reply.usage.input_tokens,
                    "gen_ai.usage.output_tokens": reply.usage.output_tokens,
                }
            )
        if row.disposition == "wait":
            record_back_pressure(self.span, row.name)
        elif row.status != 200:
            self.span.set_attribute(Attribute.ERROR, row.name)
            self.span.set_status(Status(StatusCode.ERROR, row.name))
        return row


class CallMetrics:
    """The metrics of one replica."""

    def __init__(self, telemetry: Telemetry) -> None:
        meter = telemetry.meters.get_meter("daydream")
        self._tracer = telemetry.tracer
        self._spent_usd = meter.create_counter(
            "daydream.spent", unit="usd", description="settled cost of model calls"
        )
        self._saved_usd = meter.create_counter(
            "daydream.saved", unit="usd", description="saving of calls that were made in a batch"
        )
        self._answers = meter.create_counter(
            "daydream.gateway.answers",
            unit="{answer}",
            description="answers of providers, by the row of the table of answers",
        )
        self._call_s = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="duration of an attempt at a model call",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
        )
        self._call_tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="tokens of a billed model call",
            explicit_bucket_boundaries_advisory=TOKEN_BUCKETS,
        )

    @contextmanager
    def observed(
        self, context: CallContext, model: ServedModel, prepared: PreparedCall
    ) -> Iterator[ObservedCall]:
        """Trace one attempt, and record how it ended."""
        operation = OPERATIONS.get(prepared.path, prepared.path)
        labels = {**_labels(context, model), Attribute.OPERATION: operation}
        started = time.perf_counter()
        with self._tracer.start_as_current_span(
            f"{operation} {model.name}",
            kind=SpanKind.CLIENT,
            attributes={**labels, **_asked(prepared.body)},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            call = ObservedCall(span)
            try:
                yield call
            finally:
                name = call.row.name if call.row else "cancelled"
                self._answers.add(1, {**labels, "daydream.answer": name})
                if call.row is None or call.row.status != 200:
                    labels[Attribute.ERROR] = name
                self._call_s.record(time.perf_counter() - started, labels)

    def add_answer(self, context: CallContext, model: ServedModel, answer: StoredAnswer) -> None:
        """Count cost, saving and tokens of a billed call."""
        labels = {Attribute.STAGE: context.caller.name, Attribute.REQUEST_MODEL: model.name}
        self._spent_usd.add((answer.cost_nanousd or 0) / NANOUSD_PER_USD, labels)
        if answer.saved_nanousd:
            self._saved_usd.add(answer.saved_nanousd / NANOUSD_PER_USD, labels)
        tokens = {"input": answer.input_tokens, "output": answer.output_tokens}
        for kind, count in tokens.items():
            if count is not None:
                self._call_tokens.record(
                    count, {**_labels(context, model), Attribute.TOKEN_TYPE: kind}
                )


def _labels(context: CallContext, model: ServedModel) -> dict[str, Any]:
    return {
        Attribute.STAGE: context.caller.name,
        Attribute.PROVIDER: model.provider.config.name,
        Attribute.REQUEST_MODEL: model.name,
    }


def _asked(sent: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "max_completion_tokens": "gen_ai.request.max_tokens",
        "seed": "gen_ai.request.seed",
    }
    return {label: sent[name] for name, label in names.items() if name in sent}
