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
from daydream_contracts.metrics import gateway as table
from daydream_runtime.span_failures import record_backpressure
from daydream_runtime.telemetry import Attribute, Telemetry

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
            record_backpressure(self.span, row.name)
        elif row.status != 200:
            self.span.set_attribute(Attribute.ERROR, row.name)
            self.span.set_status(Status(StatusCode.ERROR, row.name))
        return row


class CallMetrics:
    """The metrics of one replica."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._tracer = telemetry.tracer
        self._spent_usd = telemetry.counter(table.SPENT)
        self._saved_usd = telemetry.counter(table.SAVED)
        self._answers = telemetry.counter(table.ANSWERS)
        self._call_s = telemetry.histogram(table.CALL_DURATION)
        self._call_tokens = telemetry.histogram(table.TOKENS)

    @contextmanager
    def observed(
        self, context: CallContext, model: ServedModel, prepared: PreparedCall
    ) -> Iterator[ObservedCall]:
        """Trace one attempt, and record how it ended."""
        operation = OPERATIONS.get(prepared.path, prepared.path)
        stage, provider = context.caller.name, model.provider.config.name
        call_labels = (stage, operation, provider, model.name)
        self._spent_usd.start([stage], [model.name])
        started = time.perf_counter()
        with self._tracer.start_as_current_span(
            f"{operation} {model.name}",
            kind=SpanKind.CLIENT,
            attributes={
                Attribute.STAGE: stage,
                Attribute.PROVIDER: provider,
                Attribute.REQUEST_MODEL: model.name,
                Attribute.OPERATION: operation,
                **_asked(prepared.body),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            call = ObservedCall(span)
            try:
                yield call
            finally:
                name = call.row.name if call.row else "cancelled"
                self._answers.add(1, *call_labels, name)
                failed = call.row is None or call.row.status != 200
                duration_s = time.perf_counter() - started
                self._call_s.record(duration_s, *call_labels, name if failed else "")

    def add_answer(self, context: CallContext, model: ServedModel, answer: StoredAnswer) -> None:
        """Count cost, saving and tokens of a billed call."""
        stage, provider = context.caller.name, model.provider.config.name
        self._spent_usd.add((answer.cost_nanousd or 0) / NANOUSD_PER_USD, stage, model.name)
        if answer.saved_nanousd:
            self._saved_usd.add(answer.saved_nanousd / NANOUSD_PER_USD, stage, model.name)
        tokens = {"input": answer.input_tokens, "output": answer.output_tokens}
        for kind, count in tokens.items():
            if count is not None:
                self._call_tokens.record(count, stage, provider, model.name, kind)


def _asked(sent: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "max_completion_tokens": "gen_ai.request.max_tokens",
        "seed": "gen_ai.request.seed",
    }
    return {label: sent[name] for name, label in names.items() if name in sent}
