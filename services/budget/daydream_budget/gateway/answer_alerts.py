"""Alerts about a model's answers: what a person should know, told once a day per model and kind.

A call without usage, a bill that differs from the price list, a prompt that the server clipped, a
model that never stops thinking, and one that says the same again and again. An overrun has its
alert in the ledger.

Each replica counts the same answers in a row by itself: with N replicas behind one address the
alert comes after ten to 9 N + 1 of them. Ten are few beside what a run pays for, and no message
has to go from replica to replica for each answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import nats.errors
from nats.js.errors import APIError

from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.models import ServedModel
from daydream_budget.gateway.providers.repeats import ANSWERS_IN_A_ROW, RepeatDetector
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.ledger.controls import usd
from daydream_contracts.events import AlertRaised, derive_id

log = logging.getLogger(__name__)
PRICE_TOLERANCE = 0.05
AlertName = tuple[str, str, date]  # kind, model, UTC day


@dataclass
class AnswerAlerts:
    """The alerts of one replica. `report` publishes an alert; its id is the same for a day.

    Alerts are published beside the call: an answer is stored before anything waits for a server.
    """

    report: Callable[[AlertRaised], Awaitable[None]]
    _repeats: RepeatDetector = field(default_factory=RepeatDetector)
    _reported: set[AlertName] = field(default_factory=set)
    _publishing: set[asyncio.Task[None]] = field(default_factory=set)

    def check(
        self,
        context: CallContext,
        model: ServedModel,
        reply: ProviderReply,
        *,
        in_batch: bool = False,
    ) -> None:
        """Look at an answer that was paid for. One that was broken off can't report a usage."""
        problems = {"price-differs": _price_differs(model, reply, in_batch=in_batch)}
        if reply.usage is None and not reply.is_runaway:
            problems["no-usage"] = "it reports no usage, so each call counts with its upper bound"
        if reply.is_prompt_clipped:
            problems["clipped-prompt"] = (
                "its server has read only a part of the prompt. Give the model a longer context"
            )
        stage = context.caller.stage
        if stage and model.allowances.for_role(stage).never_stops:
            problems["never-stops-thinking"] = _never_stops_thinking(stage)
        for kind, text in problems.items():
            if text:
                self._raise(kind, model, text)

    def same_answer(self, context: CallContext, model: ServedModel, reply: ProviderReply) -> str:
        """Return why no more calls should follow an answer like those before; empty: they may."""
        stage = context.caller.stage
        if not stage or not reply.text.strip():
            return ""
        run = self._repeats.observe(model.name, stage, reply.text)
        if not run.is_long:
            return ""
        text = (
            f"the {stage} got the same answer {ANSWERS_IN_A_ROW} times in a row, and nothing new. "
            "Take another model, or raise its temperature"
        )
        self._raise("same-answer", model, text)
        return text if run.is_text else ""

    async def finish(self) -> None:
        """Wait until the alerts that were raised are published, or could not be."""
        await asyncio.gather(*self._publishing)

    def _raise(self, kind: str, model: ServedModel, text: str) -> None:
        now = datetime.now(UTC)
        name = (kind, model.name, now.date())
        if name in self._reported:
            return
        alert = AlertRaised(
            alert_id=derive_id(kind, model.name, f"{now:%Y-%m-%d}"),
            kind="model",
            about=f"{kind}: {model.name}",
            text=f"{model.name}: {text.removesuffix('.')}.",
            raised_at=now,
        )
        log.warning("%s", alert.text)
        self._reported.add(name)
        task = asyncio.create_task(self._publish(name, alert))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _publish(self, name: AlertName, alert: AlertRaised) -> None:
        try:
            await self.report(alert)
        except (nats.errors.Error, APIError, TimeoutError) as error:
            log.warning("an alert was not published: %r", error)
            self._reported.discard(name)


def _price_differs(model: ServedModel, reply: ProviderReply, *, in_batch: bool) -> str:
    """Return what to say if a provider bills another amount than the price list has."""
    billed = reply.reported_cost_nanousd
    listed = model.listed_cost_nanousd(reply.usage, in_batch=in_batch)
    if billed is None or listed is None:
        return ""
    if abs(billed - listed) <= PRICE_TOLERANCE * max(billed, listed):
        return ""
    return (
        f"its provider billed {usd(billed)} for a call that costs {usd(listed)} by the price list. "
        "The bill counts"
    )


def _never_stops_thinking(stage: str) -> str:
    return (
        f"it never stops thinking: answers for the {stage} are cut in thought, whatever room it "
        "got, and say nothing. Take another model, set DAYDREAM_MODEL_REASONING_EFFORT=low, or "
        "give it still more room with DAYDREAM_MODEL_REASONING_TOKENS_MAX"
    )
