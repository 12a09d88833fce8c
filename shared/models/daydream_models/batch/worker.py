"""Make calls that are not urgent through the provider's batch API, at its lower price.

States of a call: unknown → authorized and stored in the BATCHES bucket → named by an intent →
created at the provider → its answer is stored and settled, and the call deleted. A call that was
not made is settled at 0 and deleted; its message asks again. A call that the provider refused is
settled at 0; its message becomes a dead letter.

A stage that needs an answer returns its message meanwhile, so nothing is held open for a day, and a
worker that dies loses nothing. An intent names the calls of a batch and is stored before the batch
is created. The batch carries the intent's name: a batch whose id was never received is found again,
and no call is created twice. One replica of a stage at a time does this work (`LeaderLease`).

What can fail: the provider is away (retried later), a batch fails as a whole (retried after
`FAILED_BATCH_DELAY`), a batch expires (finished calls are charged and stored).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import uuid4

import nats.errors
from nats.js.errors import APIError, KeyNotFoundError

from daydream_contracts.errors import DaydreamError, PermanentError, RetryLaterError
from daydream_contracts.text_limits import truncate
from daydream_models.batch.api import BatchApi, BatchResults
from daydream_models.batch.records import BatchedCall, BatchIntent, BatchRecords
from daydream_models.budget_client import BudgetClient
from daydream_models.metrics import ModelMetrics
from daydream_models.pricing.tariff import Price
from daydream_models.provider_answers import ProviderAnswer
from daydream_models.response_store import TEXT_BYTES_MAX, ResponseStore, StoredResponse
from daydream_runtime.broker_errors import is_wrong_sequence
from daydream_runtime.leader import LeaderLease

log = logging.getLogger(__name__)
AUTHORIZATION_LIFETIME_S = 25 * 3600.0  # a batch takes a day at most
RETRY_MESSAGE_S = 15.0
STEP_S = 2.0
FAILED_BATCH_DELAY = timedelta(minutes=10)
BATCH_CALLS_MAX = 10_000
BATCH_BYTES_MAX = 90 << 20
BATCH_TIERS = ("", "auto", "default", "batch")  # names for the tier of calls in a batch
NEVER = datetime.min.replace(tzinfo=UTC)
Authorize = Callable[[float], Awaitable[str]]


@dataclass(frozen=True)
class BatchTiming:
    """How long calls are collected before a batch is sent, and the time between two polls."""

    collect: timedelta
    poll: timedelta


class BatchWorker:
    """The batches of one stage."""

    def __init__(
        self,
        api: BatchApi,
        records: BatchRecords,
        responses: ResponseStore,
        budget: BudgetClient,
        price: Price,
        metrics: ModelMetrics,
        timing: BatchTiming,
    ) -> None:
        self.records = records
        self._api = api
        self._responses = responses
        self._budget = budget
        self._price = price
        self._metrics = metrics
        self._timing = timing
        self._lease = LeaderLease(records.bucket, f"lease.{budget.stage}")
        self._polled_at: dict[str, datetime] = {}
        self._not_before = NEVER

    async def submit(
        self,
        call_id: str,
        body: Mapping[str, Any],
        upper_bound_nanousd: int,
        authorize: Authorize,
    ) -> NoReturn:
        """Have a call made in one of the next batches. `authorize` takes its lifetime in seconds.

        Raise RetryLaterError until the response is stored, PermanentError if the provider refuses.
        """
        try:
            call = await self.records.find_call(call_id)
        except KeyNotFoundError:
            if await self._responses.find(call_id) is None:  # else it was stored just now
                await self._add(call_id, dict(body), upper_bound_nanousd, authorize)
        else:
            if call.refused:
                await self.records.delete_call(call_id)
                raise PermanentError("refused-by-model", call.refused)
        raise RetryLaterError("the call is made in a batch", delay_s=RETRY_MESSAGE_S)

    async def _add(
        self, call_id: str, body: dict[str, Any], upper_bound_nanousd: int, authorize: Authorize
    ) -> None:
        attempt_id = await authorize(AUTHORIZATION_LIFETIME_S)
        call = BatchedCall(
            call_id=call_id,
            attempt_id=attempt_id,
            body=body,
            upper_bound_nanousd=upper_bound_nanousd,
            asked_at=datetime.now(UTC),
        )
        try:
            await self.records.create_call(call)
        except APIError as error:
            if not is_wrong_sequence(error):
                raise
            await self._budget.settle(attempt_id, 0)  # another worker was faster

    async def run(
        self, pause: Callable[[float], Awaitable[None]], stopping: Callable[[], bool]
    ) -> None:
        """Create batches and store their results until `stopping` returns True."""
        while not stopping():
            try:
                if await self._lease.acquire_or_renew():
                    await self.step(datetime.now(UTC))
            except (DaydreamError, nats.errors.Error, ConnectionError, TimeoutError) as error:
                log.warning("Batches are delayed: %s", error)
            await pause(STEP_S)

    async def step(self, now: datetime) -> None:
        """Advance all batches, and create one if it is time. Only the lease holder may call it."""
        await self.records.catch_up()
        for intent in list(self.records.intents.values()):
            await self._advance(intent, now)
        waiting = self.records.waiting()
        if waiting and now >= self._not_before and self._is_due(waiting, now):
            await self._begin(waiting)

    def _is_due(self, waiting: Sequence[BatchedCall], now: datetime) -> bool:
        collected = now - waiting[0].asked_at >= self._timing.collect
        return collected or len(waiting) >= BATCH_CALLS_MAX

    async def _begin(self, waiting: Sequence[BatchedCall]) -> None:
        """Store the intent of the next batch, and create the batch."""
        call_ids: list[str] = []
        size_bytes = 0
        for call in waiting[:BATCH_CALLS_MAX]:
            size_bytes += len(call.model_dump_json())
            if call_ids and size_bytes > BATCH_BYTES_MAX:
                break
            call_ids.append(call.call_id)
        intent = BatchIntent(name=uuid4().hex, calls=tuple(call_ids))
        await self.records.create_intent(intent)
        await self._create(intent)

    async def _create(self, intent: BatchIntent) -> None:
        bodies = self.records.bodies(intent.calls)
        batch_id = await self._api.create(intent.name, bodies)
        await self.records.put_intent(intent.model_copy(update={"batch_id": batch_id}))
        log.info("Created batch %s of %d calls", batch_id, len(bodies))

    async def _advance(self, intent: BatchIntent, now: datetime) -> None:
        if now - self._polled_at.get(intent.name, NEVER) < self._timing.poll:
            return
        self._polled_at[intent.name] = now
        batch_id = intent.batch_id
        if not batch_id:  # its creator died before it received the id, or before it created it
            batch_id = await self._api.find(intent.name)
            if not batch_id:
                await self._create(intent)
                return
            await self.records.put_intent(intent.model_copy(update={"batch_id": batch_id}))
        results = await self._api.results(batch_id)
        if results is not None:
            await self._store_results(intent, results, now)

    async def _store_results(
        self, intent: BatchIntent, results: BatchResults, now: datetime
    ) -> None:
        """Store and settle each call once: stored calls are deleted. The intent goes last."""
        for call_id in intent.calls:
            call = self.records.calls.get(call_id)
            if call is not None:
                await self._finish_call(call, results, now)
        await self.records.delete_intent(intent.name)
        if results.status == "failed":
            self._not_before = now + FAILED_BATCH_DELAY
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
        answer = results.answers.get(call.call_id)
        if answer is not None:
            await self._store_answer(call, answer, now)
            await self.records.delete_call(call.call_id)
            return
        await self._budget.settle(call.attempt_id, 0)
        refused = results.refused.get(call.call_id)
        if refused is None:
            await self.records.delete_call(call.call_id)
        else:
            await self.records.put_call(call.model_copy(update={"refused": refused}))

    async def _store_answer(self, call: BatchedCall, answer: ProviderAnswer, now: datetime) -> None:
        usage = answer.usage
        cost = usual = call.upper_bound_nanousd
        if usage:
            cost = self._price.cost_nanousd(usage, now, batch=usage.service_tier in BATCH_TIERS)
            usual = self._price.cost_nanousd(usage, now)
        response = StoredResponse(
            call_id=call.call_id,
            attempt_id=call.attempt_id,
            text=truncate(answer.text, TEXT_BYTES_MAX),
            finish_reason=answer.finish_reason,
            model=answer.model or call.body.get("model", ""),
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            cost_nanousd=cost,
            saved_nanousd=max(0, usual - cost),
            answered_at=now,
            provider_id=answer.provider_id,
        )
        await self._responses.store(response)
        await self._budget.settle(
            response.attempt_id,
            cost,
            response.input_tokens,
            response.output_tokens,
            response.provider_id,
        )
        self._metrics.add_cost(cost, response.saved_nanousd)
