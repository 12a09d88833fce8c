"""Make the calls of the batch lane through the providers' batch APIs, at their lower price.

States of a call: authorized and stored in the BATCHES bucket → named by an intent → created at the
provider → its answer is stored in CALLS and settled, and the call deleted. A call that was not made
is settled at 0 and deleted; its message asks again. So does one whose refusal or answer taught
something: the next request is written with what was learned, in another batch. A call that the
provider refused for good is settled at 0; its message becomes a dead letter.

An intent names the calls of a batch and is stored before the batch is created. The batch carries
the intent's name: a batch whose id was never received is found again, and no call is created twice.
One replica at a time does this work (`LeaderLease`).

What can fail: the provider is away (retried later), a batch fails as a whole (retried after
`FAILED_BATCH_DELAY`), a batch expires (finished calls are charged and stored). A refusal that needs
a person (the key, the balance) stops the model for all callers, as with a single call. What fails
for one model delays no other.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
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
from daydream_budget.gateway.limiter.turns import Turn
from daydream_budget.gateway.models import PreparedCall, ServedModel
from daydream_budget.gateway.providers.dispositions import classify
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
BATCH_TIERS = ("", "auto", "default", "batch")  # names for the tier of calls in a batch
NEVER = datetime.min.replace(tzinfo=UTC)
DELAYS = (CallRefusedError, DaydreamError, nats.errors.Error, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class BatchTiming:
    """How long calls are collected before a batch is sent, and the time between two polls."""

    collect: timedelta
    poll: timedelta


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
        async with model.limiter.turn(patience_s=0.0, caller="batch") as turn:
            try:
                batch_id = await api.create(intent.name, bodies)
            except BatchApiError as error:
                _report_stop(model, turn, error.reply)
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
        for record_key in intent.calls:
            call = self.records.calls.get(record_key)
            if call is not None:
                await self._finish_call(call, results, now)
        await self.records.delete_intent(intent.name)
        self._polled_at.pop(intent.name, None)
        if results.status == "failed":
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

    async def _finish_call(self, call: BatchedCall, results: BatchResults, now: datetime) -> None:
        reply = results.answers.get(call.record_key)
        if reply is not None and classify(reply).status == ANSWERED:
            await self._store_answer(call, reply, now)
            await self.records.delete_call(call.record_key)
            return
        refusal = reply or results.refused.get(call.record_key)
        cost: int | None = 0
        if refusal is not None and classify(refusal).cost_of(refusal) != "nothing":
            cost = _answer(call, refusal, self._model(call.model), now).cost_nanousd
        await self._attempts.funds.settle(_attempt(call), cost)
        if refusal is None or self._may_ask_again(call, refusal):
            await self.records.delete_call(call.record_key)
        else:
            text = (refusal.message or refusal.shape)[:REASON_CHARS_MAX]
            await self.records.put_call(call.model_copy(update={"refused": text}))

    def _may_ask_again(self, call: BatchedCall, refusal: ProviderReply) -> bool:
        """Return whether the provider failed for nothing, or refused what is not sent again.

        Each correction gives up something that was sent, so the rounds of a call end.
        """
        row = classify(refusal)
        if row.name != WRONG_DIALECT and row.disposition != "reject":
            return row.cost_of(refusal) == "nothing"
        correction = self._model(call.model).dialect.learn(refusal, call.body)
        if correction is None or correction.call_cap is not None:
            return False
        log.info("Calls to %s are corrected: %s", call.model, correction)
        return True

    async def _store_answer(self, call: BatchedCall, reply: ProviderReply, now: datetime) -> None:
        """Store and settle an answer, unless it was cut in thought and there is more room now."""
        model = self._model(call.model)
        context = CallContext(Caller(stage=call.stage), call.record_key, batch=True)
        answer = _answer(call, reply, model, now)
        sent = PreparedCall(CHAT_PATH, call.body, call.reasoning_tokens)
        if not model.learn(context.caller, sent, reply):
            await self._claims.store_unclaimed(call.record_key, answer)
        await self._attempts.funds.settle(
            _attempt(call),
            answer.cost_nanousd,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            provider_id=answer.provider_id,
        )
        self._attempts.metrics.add_answer(context, model, answer)

    def _model(self, name: str) -> ServedModel:
        """Return a model. Raise ConfigurationError if its price is gone: its calls wait."""
        return self._apis.models.open(name)


async def _or_delay(model: str, work: Awaitable[None]) -> None:
    """Do what is due for one model, or say why it is delayed."""
    try:
        await work
    except DELAYS as error:
        log.warning("Batches of %s are delayed: %s", model, error)


def _report_stop(model: ServedModel, turn: Turn, reply: ProviderReply | None) -> None:
    """Tell the limiter of a refusal that needs a person.

    Others teach nothing: the limits of a batch queue are not those of single calls.
    """
    if reply is not None and classify(reply).signal == "stop":
        model.limiter.report(turn, "stop", retry_after_s=reply.retry_after_s, reason=reply.message)


def _answer(
    call: BatchedCall, reply: ProviderReply, model: ServedModel, now: datetime
) -> StoredAnswer:
    """Return an answer at the price of the tier that it was made in."""
    usage, row = reply.usage, classify(reply)
    cost = usual = call.bound_nanousd
    if usage:
        in_batch = usage.service_tier in BATCH_TIERS
        cost = model.price.cost_nanousd(usage, now, batch=in_batch)
        usual = model.price.cost_nanousd(usage, now)
    return StoredAnswer(
        attempt_id=call.attempt_id,
        cost_nanousd=cost,
        saved_nanousd=max(0, usual - cost),
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        provider_id=reply.provider_id,
        answered_at=now,
        messages_digest=call.messages_digest,
        disposition=row.disposition,
        kind=row.name,
        body=dict(reply.body),
    )


def _attempt(call: BatchedCall) -> AuthorizedAttempt:
    return AuthorizedAttempt(call.attempt_id, release=False)
