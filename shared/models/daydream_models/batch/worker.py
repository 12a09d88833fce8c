"""Calls that are not urgent go through the provider's batch API, at its lower price.

States of a call: unknown → drawn and kept in the BATCHES bucket → named by an intent → handed in → its answer is stored and settled, and the call
forgotten; or it was not made (settled at 0 and forgotten: its message asks anew), or refused (its message becomes a dead letter).
Whoever needs an answer hands the message back meanwhile, so nothing is held open for a day, and a worker that dies loses nothing.
An intent names the calls of a batch and is written before the batch is created; the batch carries its name, so that a batch whose id was never
heard is found again and no call is handed in twice. One replica of a stage at a time does all this (`LeaderLease`).
What can fail: the provider is away (later), a batch fails as a whole (later, and not at once), it expires (finished calls are charged and kept).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import uuid4

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import APIError, KeyNotFoundError
from nats.js.kv import KeyValue

from daydream_contracts.errors import DaydreamError, PermanentError, RetryLaterError
from daydream_contracts.events import NANOUSD_PER_USD, ContractModel
from daydream_contracts.topology import BATCHES
from daydream_models.batch.api import BatchApi, BatchResults
from daydream_models.budget_client import BudgetClient
from daydream_models.pricing.tariff import Price
from daydream_models.provider import ProviderAnswer
from daydream_models.response_store import TEXT_BYTES_MAX, ResponseStore, StoredResponse
from daydream_runtime.cas_state import is_taken
from daydream_runtime.leader import LeaderLease
from daydream_runtime.stream_reader import read_stream
from daydream_runtime.telemetry import Attribute, Telemetry

log = logging.getLogger(__name__)
LIFETIME_S = 25 * 3600.0  # of a draw: a batch takes a day at most
ASK_AGAIN_S = 15.0
STEP_S = 2.0
AFTER_A_FAILURE = timedelta(minutes=10)
CALLS_MAX = 10_000
BYTES_MAX = 90 << 20  # of a file of calls
USUAL_TIERS = ("", "auto", "default", "batch")  # what a provider calls what it served in a batch


class BatchedCall(ContractModel):
    """A call that waits for its answer, with the draw that pays for it. `refused`: why the provider won't make it."""

    call_id: str
    attempt_id: str
    body: dict[str, Any]
    upper_bound_nanousd: int
    asked_at: datetime
    refused: str = ""


class BatchIntent(ContractModel):
    """A batch that is being created (no id yet), or goes on."""

    name: str
    calls: tuple[str, ...]
    batch_id: str = ""


class BatchWorker:
    """The batches of one stage."""

    def __init__(
        self,
        api: BatchApi,
        js: JetStreamContext,
        bucket: KeyValue,
        answers: ResponseStore,
        budget: BudgetClient,
        price: Price,
        telemetry: Telemetry,
        *,
        collect_s: float,
        poll_s: float,
    ) -> None:
        self._api = api
        self._js = js
        self._bucket = bucket
        self._answers = answers
        self._budget = budget
        self._price = price
        self._telemetry = telemetry
        self._collect = timedelta(seconds=collect_s)
        self._poll = timedelta(seconds=poll_s)
        self._lease = LeaderLease(bucket, f"lease.{budget.stage}")
        self._calls: dict[str, BatchedCall] = {}
        self._intents: dict[str, BatchIntent] = {}
        self._read = 0
        self._looked: dict[str, datetime] = {}
        self._not_before = datetime.min.replace(tzinfo=UTC)

    async def hand_in(
        self,
        call_id: str,
        body: Mapping[str, Any],
        upper_bound_nanousd: int,
        draw: Callable[[float], Awaitable[str]],
    ) -> NoReturn:
        """Have a call made in one of the next batches; `draw` pays for it, for so many seconds. Raises RetryLaterError until its answer is stored, Permanent
        where the provider refuses it."""
        key = self._key("call", call_id)
        try:
            kept = BatchedCall.model_validate_json((await self._bucket.get(key)).value or b"")
        except KeyNotFoundError:
            if await self._answers.find(call_id) is None:  # else it has just come
                await self._keep(key, call_id, dict(body), upper_bound_nanousd, draw)
        else:
            if kept.refused:
                await self._bucket.delete(key)
                raise PermanentError("refused-by-model", kept.refused)
        raise RetryLaterError("the call is made in a batch", delay_s=ASK_AGAIN_S)

    async def _keep(
        self,
        key: str,
        call_id: str,
        body: dict[str, Any],
        upper_bound_nanousd: int,
        draw: Callable[[float], Awaitable[str]],
    ) -> None:
        attempt_id = await draw(LIFETIME_S)
        call = BatchedCall(
            call_id=call_id,
            attempt_id=attempt_id,
            body=body,
            upper_bound_nanousd=upper_bound_nanousd,
            asked_at=datetime.now(UTC),
        )
        try:
            await self._bucket.create(key, call.model_dump_json().encode())
        except APIError as error:
            if not is_taken(error):
                raise
            await self._budget.settle(attempt_id, 0)  # another worker was faster

    async def run(
        self, pause: Callable[[float], Awaitable[None]], stopping: Callable[[], bool]
    ) -> None:
        """Create batches and take in their results, until the stop."""
        while not stopping():
            try:
                if await self._lease.acquire_or_renew():
                    await self.step(datetime.now(UTC))
            except (DaydreamError, nats.errors.Error, ConnectionError, TimeoutError) as trouble:
                log.warning("batches wait: %s", trouble)
            await pause(STEP_S)

    async def step(self, now: datetime) -> None:
        """What there is to do now. Only for who has the lease."""
        await self._catch_up()
        for intent in list(self._intents.values()):
            await self._advance(intent, now)
        named = {key for intent in self._intents.values() for key in intent.calls}
        waiting = sorted(
            (call for key, call in self._calls.items() if key not in named and not call.refused),
            key=lambda call: call.asked_at,
        )
        if (
            waiting
            and now >= self._not_before
            and (now - waiting[0].asked_at >= self._collect or len(waiting) >= CALLS_MAX)
        ):
            await self._begin(waiting)

    async def _catch_up(self) -> None:
        stream = f"KV_{BATCHES.name}"
        last = (await self._js.stream_info(stream)).state.last_seq
        async for sequence, message in read_stream(self._js, stream, self._read, last, gaps=True):
            self._read = sequence
            kind, stage, name = (
                message.subject.rsplit(".", 3)[-3:]
                if message.subject.count(".") >= 4
                else ("", "", "")
            )
            if stage != self._budget.stage or kind not in ("call", "batch"):
                continue
            known: dict[str, Any] = self._calls if kind == "call" else self._intents
            if (message.headers or {}).get("KV-Operation"):
                known.pop(name, None)
            else:
                known[name] = (BatchedCall if kind == "call" else BatchIntent).model_validate_json(
                    message.data
                )

    async def _begin(self, waiting: list[BatchedCall]) -> None:
        """Write down which calls the next batch has, and create it."""
        some, size = list[str](), 0
        for call in waiting[:CALLS_MAX]:
            size += len(call.model_dump_json())
            if some and size > BYTES_MAX:
                break
            some.append(call.call_id)
        intent = BatchIntent(name=uuid4().hex, calls=tuple(some))
        await self._bucket.create(
            self._key("batch", intent.name), intent.model_dump_json().encode()
        )
        await self._create(intent)

    async def _create(self, intent: BatchIntent) -> None:
        calls = {key: self._calls[key].body for key in intent.calls if key in self._calls}
        batch_id = await self._api.create(intent.name, calls)
        await self._bucket.put(
            self._key("batch", intent.name),
            intent.model_copy(update={"batch_id": batch_id}).model_dump_json().encode(),
        )
        log.info("a batch of %d calls is handed in: %s", len(calls), batch_id)

    async def _advance(self, intent: BatchIntent, now: datetime) -> None:
        if now - self._looked.get(intent.name, datetime.min.replace(tzinfo=UTC)) < self._poll:
            return
        self._looked[intent.name] = now
        if (
            not intent.batch_id
        ):  # whoever created it died before it heard the id, or before it was created at all
            found = await self._api.find(intent.name)
            if not found:
                return await self._create(intent)
            intent = intent.model_copy(update={"batch_id": found})
            await self._bucket.put(
                self._key("batch", intent.name), intent.model_dump_json().encode()
            )
        results = await self._api.results(intent.batch_id)
        if results is not None:
            await self._take_in(intent, results, now)

    async def _take_in(self, intent: BatchIntent, results: BatchResults, now: datetime) -> None:
        """Each call once: what was taken in before is forgotten. The intent goes last."""
        for key in intent.calls:
            call = self._calls.get(key)
            if call is None:
                continue
            if key in results.answers:
                await self._answered(call, results.answers[key], now)
            elif key in results.refused:
                await self._budget.settle(call.attempt_id, 0)
                await self._bucket.put(
                    self._key("call", key),
                    call.model_copy(update={"refused": results.refused[key]})
                    .model_dump_json()
                    .encode(),
                )
                continue
            else:
                await self._budget.settle(call.attempt_id, 0)
            await self._bucket.delete(self._key("call", key))
        await self._bucket.delete(self._key("batch", intent.name))
        if results.status == "failed":
            self._not_before = now + AFTER_A_FAILURE
        made = len(results.answers)
        log.log(
            logging.INFO if made == len(intent.calls) else logging.WARNING,
            "a batch is %s: %d of %d calls were made %s",
            results.status,
            made,
            len(intent.calls),
            results.why,
        )

    async def _answered(self, call: BatchedCall, raw: ProviderAnswer, now: datetime) -> None:
        in_batch = (raw.usage.service_tier if raw.usage else "") in USUAL_TIERS
        cost = (
            self._price.cost_nanousd(raw.usage, now, batch=in_batch)
            if raw.usage
            else call.upper_bound_nanousd
        )
        usual = self._price.cost_nanousd(raw.usage, now) if raw.usage else cost
        answer = StoredResponse(
            call_id=call.call_id,
            attempt_id=call.attempt_id,
            text=raw.text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore"),
            finish_reason=raw.finish_reason,
            model=raw.model or call.body.get("model", ""),
            input_tokens=raw.usage.input_tokens if raw.usage else None,
            output_tokens=raw.usage.output_tokens if raw.usage else None,
            cost_nanousd=cost,
            saved_nanousd=max(0, usual - cost),
            answered_at=now,
            provider_id=raw.provider_id,
        )
        await self._answers.keep(answer)
        await self._budget.settle(
            answer.attempt_id, cost, answer.input_tokens, answer.output_tokens, answer.provider_id
        )
        labels = {Attribute.STAGE: self._budget.stage, Attribute.REQUEST_MODEL: self._budget.model}
        self._telemetry.spent_usd.add(cost / NANOUSD_PER_USD, labels)
        self._telemetry.saved_usd.add(answer.saved_nanousd / NANOUSD_PER_USD, labels)

    def _key(self, kind: str, name: str) -> str:
        return f"{kind}.{self._budget.stage}.{name}"
