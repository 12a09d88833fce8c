"""Make the calls of the batch lane through the providers' batch APIs, at their lower price.

States of a call: authorized and stored in the BATCHES bucket → named by an intent → created at the
provider → its answer is stored in CALLS and settled, and the call deleted. A call that was not made
is settled at 0 and deleted; its message asks again. So does one whose answer was broken, and one
whose refusal or answer taught something: the next request is written with what was learned, in
another batch. A call that the provider refused for good is settled; its message becomes a dead
letter. The table of answers decides about cost and what follows, as for single calls.

An intent names the calls of a batch and is stored before the batch is created. The batch carries
the intent's name: a batch whose id was never received is found again, and no call is created twice.
One replica at a time does this work (`LeaderLease`).

What can fail: the provider is away (retried later), a batch fails as a whole or has answers that
are broken and paid for (retried after `FAILED_BATCH_DELAY`), a batch expires (finished calls are
charged and stored), results are lost (their calls count in full). A refusal that needs a person
(the key, the balance) and the same answer again and again stop the model for all callers, as with
a single call. What fails for one model delays no other.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import nats.errors

from daydream_budget.gateway.batch.lane import BatchLane
from daydream_budget.gateway.batch.records import BatchedCall, BatchIntent
from daydream_budget.gateway.batch.results import BatchApiError, BatchResults
from daydream_budget.gateway.callers import CallContext, Caller
from daydream_budget.gateway.calls.claims import CallClaims
from daydream_budget.gateway.calls.record import StoredAnswer
from daydream_budget.gateway.funds import AuthorizedAttempt
from daydream_budget.gateway.limiter.terms import ModelClosedError
from daydream_budget.gateway.models import PreparedCall, ServedModel
from daydream_budget.gateway.paid_answers import SentCall, take_answer
from daydream_budget.gateway.providers.clipped import is_prompt_clipped
from daydream_budget.gateway.providers.dispositions import AnswerRow, classify
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_contracts.errors import DaydreamError
from daydream_runtime.leader import LeaderLease

log = logging.getLogger(__name__)
STEP_S = 2.0
FAILED_BATCH_DELAY = timedelta(minutes=10)
BATCH_CALLS_MAX = 10_000
BATCH_BYTES_MAX = 90 << 20
ANSWERED = 200
WRONG_DIALECT = "wrong-dialect"
REASON_CHARS_MAX = 300
CALLER = "batch"  # of turns
NEVER = datetime.min.replace(tzinfo=UTC)
DELAYS = (CallRefusedError, DaydreamError, nats.errors.Error, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class BatchTiming:
    """How long calls are collected before a batch is sent, and the time between two polls."""

    collect: timedelta
    poll: timedelta


@dataclass(frozen=True)
class FinishedCall:
    """What became of a call. `stop`: why its model is stopped. `went_wrong`: it cost something."""

    stop: str = ""
    went_wrong: bool = False
    answered: bool = False


class BatchWorker:
    """The batches of all models."""

    def __init__(self, lane: BatchLane, claims: CallClaims, timing: BatchTiming) -> None:
        self.records = lane.records
        self._apis = lane.apis
        self._attempts = lane.attempts
        self._claims = claims
        self._timing = timing
        self._lease = LeaderLease(lane.records.bucket, "lease")
        self._polled_at: dict[str, datetime] = {}
        self._not_before: dict[str, datetime] = {}

    async def run(
        self, pause: Callable[[float], Awaitable[None]], stopping: Callable[[], bool]
    ) -> None:
        """Create batches and store their results until `stopping` returns True."""
        while not stopping():
            try:
                if await self._lease.acquire_or_renew():
                    await self.step(datetime.now(UTC))
            except DELAYS as error:
                log.warning("Batches are delayed: %s", error)
            await pause(STEP_S)

    async def step(self, now: datetime) -> None:
        """Advance all batches, and create those that are due. Only the lease holder may call it."""
        await self.records.catch_up()
        for intent in list(self.records.intents.values()):
            await _or_delay(intent.model, self._advance(intent, now))
        for model, waiting in self.records.waiting().items():
            if now >= self._not_before.get(model, NEVER) and self._is_due(waiting, now):
                await _or_delay(model, self._begin(model, waiting))

    def _is_due(self, waiting: Sequence[BatchedCall], now: datetime) -> bool:
        collected = now - waiting[0].asked_at >= self._timing.collect
        return collected or len(waiting) >= BATCH_CALLS_MAX

    async def _begin(self, model: str, waiting: Sequence[BatchedCall]) -> None:
        """Store the intent of the next batch, and create the batch."""
        record_keys: list[str] = []
        size_bytes = 0
        for call in waiting[:BATCH_CALLS_MAX]:
            size_bytes += len(call.model_dump_json())
            if record_keys and size_bytes > BATCH_BYTES_MAX:
                break
            record_keys.append(call.record_key)
        intent = BatchIntent(name=uuid4().hex, model=model, calls=tuple(record_keys))
        await self.records.create_intent(intent)
        await self._create(intent)

    async def _create(self, intent: BatchIntent) -> None:
        bodies = self.records.bodies(intent.calls)
        model = self._model(intent.model)
        api = await self._apis.of(model)
        async with model.limiter.turn(patience_s=0.0, caller=CALLER) as turn:
            try:
                batch_id = await api.create(intent.name, bodies)
            except BatchApiError as error:
                row, reply = classify(error.reply), error.reply
                if row.signal == "stop":  # other errors teach nothing: a queue has other limits
                    reason, wait_s = reply.message or row.name, reply.retry_after_s
                    model.limiter.report(turn, "stop", retry_after_s=wait_s, reason=reason)
                raise
        await self.records.put_intent(intent.model_copy(update={"batch_id": batch_id}))
        log.info("Created batch %s of %d calls", batch_id, len(bodies))

    async def _advance(self, intent: BatchIntent, now: datetime) -> None:
        if now - self._polled_at.get(intent.name, NEVER) < self._timing.poll:
            return
        self._polled_at[intent.name] = now
        api = await self._apis.of(self._model(intent.model))
        batch_id = intent.batch_id
        if not batch_id:  # its creator died before it received the id, or before it created it
            batch_id = await api.find(intent.name)
            if not batch_id:
                await self._create(intent)
                return
            await self.records.put_intent(intent.model_copy(update={"batch_id": batch_id}))
        results = await api.results(batch_id)
        if results is not None:
            await self._store_results(intent, results, now)

    async def _store_results(
        self, intent: BatchIntent, results: BatchResults, now: datetime
    ) -> None:
        """Store and settle each call once: stored calls are deleted. The intent goes last."""
        finished = [
            await self._finish_call(self.records.calls[record_key], results)
            for record_key in intent.calls
            if record_key in self.records.calls
        ]
        await self._report(intent.model, finished)
        await self.records.delete_intent(intent.name)
        self._polled_at.pop(intent.name, None)
        if results.status == "failed" or any(outcome.went_wrong for outcome in finished):
            self._not_before[intent.model] = now + FAILED_BATCH_DELAY
        answered = len(results.answers)
        log.log(
            logging.INFO if answered == len(intent.calls) else logging.WARNING,
            "Batch %s is %s: %d of %d calls were answered. %s",
            intent.name,
            results.status,
            answered,
            len(intent.calls),
            results.reason,
        )

    async def _finish_call(self, call: BatchedCall, results: BatchResults) -> FinishedCall:
        reply = results.answers.get(call.record_key) or results.refused.get(call.record_key)
        if reply is None:
            await self._settle(call, 0 if results.is_whole else None)
            await self.records.delete_call(call.record_key)
            return FinishedCall(went_wrong=not results.is_whole)
        row = classify(reply)
        if row.status == ANSWERED:
            stop = await self._store_answer(call, reply, row)
            await self.records.delete_call(call.record_key)
            return FinishedCall(stop, answered=True)
        is_free = row.cost_of(reply) == "nothing"
        await self._settle(call, 0 if is_free else None)
        has_learned = self._learn_refusal(call, reply, row)
        if has_learned or row.disposition != "reject":
            await self.records.delete_call(call.record_key)
        else:
            text = (reply.message or reply.shape)[:REASON_CHARS_MAX]
            await self.records.put_call(call.model_copy(update={"refused": text}))
        must_stop = row.disposition == "stop" and not has_learned
        stop = (reply.message or row.name) if must_stop else ""
        return FinishedCall(stop, went_wrong=not is_free)

    def _learn_refusal(self, call: BatchedCall, refusal: ProviderReply, row: AnswerRow) -> bool:
        """Return whether what was refused is not sent again.

        Each correction gives up something that was sent, so the rounds of a call end.
        """
        if row.name != WRONG_DIALECT and row.disposition != "reject":
            return False
        correction = self._model(call.model).dialect.learn(refusal, call.body)
        if correction is None or correction.call_cap is not None:
            return False
        log.info("Calls to %s are corrected: %s", call.model, correction)
        return True

    async def _store_answer(self, call: BatchedCall, reply: ProviderReply, row: AnswerRow) -> str:
        """Store and settle an answer, unless it was cut in thought and there is more room now.

        Return why no more calls should follow; empty: they may.
        """
        model, attempts = self._model(call.model), self._attempts
        context = CallContext(Caller(stage=call.stage), call.record_key, batch=True)
        asked = PreparedCall(CHAT_PATH, call.body, call.reasoning_tokens)
        sent = SentCall(context, model, asked, call.bound, call.attempt_id, in_batch=True)
        reply = replace(reply, is_prompt_clipped=is_prompt_clipped(reply, call.body))
        answer, wants_room = take_answer(sent, reply, row, attempts.alerts)
        answer = answer.model_copy(update={"messages_digest": call.messages_digest})
        if not wants_room:
            await self._claims.store_unclaimed(call.record_key, answer)
        await self._settle(call, answer.cost_nanousd, answer)
        attempts.metrics.add_answer(context, model, answer)
        return attempts.alerts.same_answer(context, model, reply)

    async def _settle(
        self, call: BatchedCall, cost_nanousd: int | None, answer: StoredAnswer | None = None
    ) -> None:
        """Settle a call, and wait for it: nothing else remembers what it cost."""
        attempt = AuthorizedAttempt(call.attempt_id, release=False)
        await self._attempts.settle(attempt, cost_nanousd, answer)

    async def _report(self, name: str, finished: Sequence[FinishedCall]) -> None:
        """Stop a model if a call says so. Open one that was stopped, if calls were answered."""
        limiter = self._model(name).limiter
        reason = next((call.stop for call in finished if call.stop), "")
        is_stopped = limiter.state().status == "stopped"
        if not reason and not (is_stopped and any(call.answered for call in finished)):
            return
        with suppress(ModelClosedError):  # another call is the one that may open it
            async with limiter.turn(patience_s=0.0, caller=CALLER) as turn:
                limiter.report(turn, "stop" if reason else "ok", reason=reason)

    def _model(self, name: str) -> ServedModel:
        """Return a model. Raise ConfigurationError if its price is gone: its calls wait."""
        return self._apis.models.open(name)


async def _or_delay(model: str, work: Awaitable[None]) -> None:
    """Do what is due for one model, or say why it is delayed."""
    try:
        await work
    except DELAYS as error:
        log.warning("Batches of %s are delayed: %s", model, error)
