"""Attempts at one call: take a turn, authorize, send, classify; again where it helps.

A turn is taken before money is authorized, so what only waits for its turn holds no money. A
provider that is busy or away is waited for, within the patience; that is no failure. An attempt
that went wrong is made again, once. An answer that was cut while the model was thinking is asked
for again if there is more room for thought, and is given up otherwise.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from daydream_budget.gateway.answer_alerts import AnswerAlerts
from daydream_budget.gateway.call_bounds import CallBound
from daydream_budget.gateway.callers import CallContext
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.funds import AuthorizedAttempt, Funds
from daydream_budget.gateway.limiter.terms import ModelClosedError
from daydream_budget.gateway.limiter.turns import Turn
from daydream_budget.gateway.metrics import CallMetrics
from daydream_budget.gateway.model_probes import ModelProbes
from daydream_budget.gateway.models import Models, PreparedCall, ServedModel
from daydream_budget.gateway.paid_answers import SentCall, take_answer
from daydream_budget.gateway.providers.dispositions import AnswerRow
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_contracts.gateway_http import Disposition

RETRIES = 1  # after attempts that went wrong; waiting for a provider does not count
SETTLE_GRACE_S = 60.0  # storing and settling may have to wait for a server that restarts


@dataclass(frozen=True)
class CallRequest:
    """A request to a model, by whom, and until when it may wait for turns."""

    context: CallContext
    path: str
    body: dict[str, Any]
    model: ServedModel
    deadline: float

    @property
    def lifetime_s(self) -> float:
        """Return how long an attempt may take; then the ledger counts it in full."""
        return self.model.provider.config.timeout_s + SETTLE_GRACE_S


@dataclass(frozen=True)
class ReadyAttempt:
    """An attempt that has its turn and its money, and may be sent."""

    request: CallRequest
    call: PreparedCall
    bound: CallBound
    turn: Turn
    attempt: AuthorizedAttempt


@dataclass(frozen=True)
class AttemptOutcome:
    """What one attempt led to. `answer` is None for a failed one."""

    attempt: AuthorizedAttempt
    reply: ProviderReply
    row: AnswerRow
    answer: StoredAnswer | None
    wants_room: bool = False

    @property
    def cost_nanousd(self) -> int | None:
        """Return what it cost. None: unknown."""
        if self.answer is not None:
            return self.answer.cost_nanousd
        return 0 if self.row.cost_of(self.reply) == "nothing" else None


@dataclass(frozen=True)
class Attempts:
    """The way from a request to an answer that is paid for."""

    models: Models
    funds: Funds
    alerts: AnswerAlerts
    metrics: CallMetrics
    patience_s: float
    probes: ModelProbes | None = None

    def request(self, context: CallContext, path: str, body: dict[str, Any]) -> CallRequest:
        """Return a request that begins to wait now. Raise CallRefusedError for its model."""
        deadline = time.monotonic() + self.patience_s
        return CallRequest(context, path, body, self.models.served(body["model"]), deadline)

    async def begin(self, context: CallContext, path: str, body: dict[str, Any]) -> ReadyAttempt:
        """Get the first attempt at a call ready. Raise CallRefusedError."""
        return await self.ready(await self.probed(context, path, body))

    async def probed(self, context: CallContext, path: str, body: dict[str, Any]) -> CallRequest:
        """Return a request whose model is probed, if it has to be. Raise CallRefusedError."""
        request = self.request(context, path, body)
        if self.probes is not None:
            await self.probes.before(request, self.once)
        return request

    async def once(self, request: CallRequest) -> ProviderReply:
        """Make one attempt and settle it. Return what came. Raise CallRefusedError."""
        outcome = await self._send(await self.ready(request))
        self.settle(outcome.attempt, outcome.cost_nanousd, outcome.answer)
        return outcome.reply

    async def ready(self, request: CallRequest, *, again: bool = False) -> ReadyAttempt:
        """Take a turn, then authorize. Raise CallRefusedError.

        A caller that is cancelled meanwhile leaves nothing behind: neither a turn nor money.
        """
        model = request.model
        call = model.prepare(request.context.caller, request.path, request.body)
        bound = model.bound(call, request.lifetime_s)
        turn = await self.turn(request, bound, again=again)
        authorizing = asyncio.ensure_future(self.authorize(request, bound))
        try:
            attempt = await asyncio.shield(authorizing)
        except BaseException:
            model.limiter.report(turn, "none")
            authorizing.add_done_callback(self._give_money_back)
            raise
        return ReadyAttempt(request, call, bound, turn, attempt)

    def abandon(self, beginning: asyncio.Future[ReadyAttempt]) -> None:
        """Stop getting an attempt ready, and give back its turn and its money."""
        beginning.add_done_callback(self._give_back)
        beginning.cancel()

    def _give_back(self, beginning: asyncio.Future[ReadyAttempt]) -> None:
        if not beginning.cancelled() and beginning.exception() is None:
            ready = beginning.result()
            ready.request.model.limiter.report(ready.turn, "none")
            self.funds.settle(ready.attempt, 0, sent=False)

    def _give_money_back(self, authorizing: asyncio.Future[AuthorizedAttempt]) -> None:
        if not authorizing.cancelled() and authorizing.exception() is None:
            self.funds.settle(authorizing.result(), 0, sent=False)

    async def until_answered(self, ready: ReadyAttempt) -> tuple[AuthorizedAttempt, StoredAnswer]:
        """Return an answer and the attempt that pays for it, not settled yet.

        Raise CallRefusedError.
        """
        request, retries = ready.request, RETRIES
        while True:
            outcome = await self._send(ready)
            if outcome.answer is not None and not (outcome.wants_room and retries):
                return outcome.attempt, outcome.answer
            self.settle(outcome.attempt, outcome.cost_nanousd, outcome.answer)
            if outcome.row.disposition != "wait":
                retries -= 1
            if outcome.row.disposition not in ("wait", "retry") or retries < 0:
                raise self.refusal(request.model, outcome.row, outcome.reply)
            ready = await self.ready(request, again=True)

    async def _send(self, ready: ReadyAttempt) -> AttemptOutcome:
        context, model = ready.request.context, ready.request.model
        try:
            with self.metrics.observed(context, model, ready.call) as observed:
                reply = await model.send(ready.call)
                row = observed.ended(reply)
            self.report(ready, reply, row)
        finally:
            if not ready.turn.reported:
                model.limiter.report(ready.turn, "none")
        return self._outcome(ready, reply, row)

    def report(self, ready: ReadyAttempt, reply: ProviderReply, row: AnswerRow) -> None:
        """Tell the limiter what came. A model with nothing new to say is stopped."""
        context, model = ready.request.context, ready.request.model
        same = self.alerts.same_answer(context, model, reply)
        # What no stage can ask stops the model. Another program's own request does not.
        stops = same or (row.disposition == "stop" and context.caller.stage)
        model.limiter.report(
            ready.turn,
            "stop" if stops else row.signal,
            retry_after_s=reply.retry_after_s,
            reason=same or reply.message,
            tokens_used=_tokens_used(reply),
        )

    async def turn(self, request: CallRequest, bound: CallBound, *, again: bool = False) -> Turn:
        """Wait for a turn at a model. Raise CallRefusedError if it takes longer than allowed."""
        try:
            return await request.model.limiter.acquire(
                patience_s=max(0.0, request.deadline - time.monotonic()),
                tokens=bound.input_tokens + bound.output_tokens,
                caller=request.context.caller.name,
                again=again,
            )
        except ModelClosedError as closed:
            disposition: Disposition = "stop" if closed.stop else "wait"
            raise CallRefusedError(
                503, "model_closed", closed.reason, disposition, closed.retry_after_s
            ) from None

    async def authorize(self, request: CallRequest, bound: CallBound) -> AuthorizedAttempt:
        """Authorize an attempt. Raise CallRefusedError."""
        return await self.funds.authorize(
            request.context, request.model.name, bound.nanousd, request.lifetime_s
        )

    def _outcome(self, ready: ReadyAttempt, reply: ProviderReply, row: AnswerRow) -> AttemptOutcome:
        request, attempt, bound = ready.request, ready.attempt, ready.bound
        if row.status != 200:
            return AttemptOutcome(attempt, reply, row, None)
        context, model = request.context, request.model
        sent = SentCall(context, model, ready.call, bound, attempt.attempt_id)
        answer, wants_room = take_answer(sent, reply, row, self.alerts)
        self.metrics.add_answer(context, model, answer)
        return AttemptOutcome(attempt, reply, row, answer, wants_room)

    def settle(
        self,
        attempt: AuthorizedAttempt,
        cost_nanousd: int | None,
        answer: StoredAnswer | None = None,
    ) -> asyncio.Future[None]:
        """Settle an attempt, behind what follows. Few need to wait for the future."""
        return self.funds.settle(
            attempt,
            cost_nanousd,
            input_tokens=answer.input_tokens if answer else None,
            output_tokens=answer.output_tokens if answer else None,
            provider_id=answer.provider_id if answer else "",
        )

    def refusal(self, model: ServedModel, row: AnswerRow, reply: ProviderReply) -> CallRefusedError:
        """Return what the provider said, in its own words.

        While its circuit breaker is open, a failed attempt says nothing about the request: wait.
        """
        disposition, wait_s = row.disposition, reply.retry_after_s
        closed_s = model.limiter.state().closed_for_s
        if closed_s > 0 and disposition == "retry":
            disposition = "wait"
        if closed_s > 0 and disposition in ("wait", "stop"):
            wait_s = max(wait_s or 0.0, closed_s)
        code = row.name.replace("-", "_")
        return CallRefusedError(row.status, code, reply.message or row.name, disposition, wait_s)


def _tokens_used(reply: ProviderReply) -> int | None:
    return reply.usage.input_tokens + reply.usage.output_tokens if reply.usage else None
