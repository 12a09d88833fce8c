"""What follows from an answer that was paid for, whether it came whole, as a stream or in a batch.

Its cost is what the provider bills, or what its tokens cost by the price list, or without either
the upper bound of the call. The answer teaches bounds and room for thought, and may raise an alert.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from daydream_budget.gateway.answer_alerts import AnswerAlerts
from daydream_budget.gateway.call_bounds import CallBound
from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.models import PreparedCall, ServedModel
from daydream_budget.gateway.providers.dispositions import AnswerRow
from daydream_budget.gateway.providers.reply import ProviderReply

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SentCall:
    """A call as it was sent, and what was authorized for it. `in_batch`: by the batch API."""

    context: CallContext
    model: ServedModel
    call: PreparedCall
    bound: CallBound
    attempt_id: str
    in_batch: bool = False


def take_answer(
    sent: SentCall, reply: ProviderReply, row: AnswerRow, alerts: AnswerAlerts
) -> tuple[StoredAnswer, bool]:
    """Return the answer with its cost, and True if it should be asked for with more room.

    To take an answer twice, after a crash, does no harm.
    """
    model, now = sent.model, datetime.now(UTC)
    cost_nanousd = model.cost_nanousd(reply, now, in_batch=sent.in_batch)
    if cost_nanousd is not None and model.learn_bill(sent.bound, cost_nanousd):
        _log_overrun(sent, reply, cost_nanousd)
    answer = StoredAnswer(
        attempt_id=sent.attempt_id,
        cost_nanousd=sent.bound.nanousd if cost_nanousd is None else cost_nanousd,
        saved_nanousd=_saved_nanousd(sent, reply, now),
        input_tokens=reply.usage.input_tokens if reply.usage else None,
        output_tokens=reply.usage.output_tokens if reply.usage else None,
        provider_id=reply.provider_id,
        answered_at=now,
        disposition=row.disposition,
        kind=row.name,
        body=dict(reply.body),
    )
    wants_room = model.learn(sent.context.caller, sent.call, reply)
    alerts.check(sent.context, model, reply, in_batch=sent.in_batch)
    return answer, wants_room


def _saved_nanousd(sent: SentCall, reply: ProviderReply, at: datetime) -> int:
    """Return what a call in a batch cost less than a single one. 0: nothing, or unknown."""
    cost = sent.model.cost_nanousd(reply, at, in_batch=sent.in_batch)
    usual = sent.model.listed_cost_nanousd(reply.usage, at)
    if not sent.in_batch or cost is None or usual is None:
        return 0
    return max(0, usual - cost)


def _log_overrun(sent: SentCall, reply: ProviderReply, cost_nanousd: int) -> None:
    bound = sent.bound
    log.error(
        "A call cost more than its upper bound. Model: %s. Bound: %d bytes, at most %d + %d "
        "tokens, %d nano-dollars. Reported: %s, %d nano-dollars. Tariffs: %s",
        sent.model.name,
        bound.prompt_bytes,
        bound.input_tokens,
        bound.output_tokens,
        bound.nanousd,
        reply.usage,
        cost_nanousd,
        sent.model.price.tariffs(datetime.now(UTC)),
    )
