"""A paid question to a model, from draw to stored answer.

Data: question → (stored answer? then that) → draw → attempt → store → settle → read → (unreadable? one repair, paid likewise).
What can fail, and what it costs: see `endpoint`. Killed between draw and store: the draw is spent when its time is up, and
the redelivered message makes the call once more. Killed between store and settle: the next worker settles the same attempt.
A second delivery in the same process joins the call that is in flight instead of making its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from opentelemetry.trace import SpanKind, Status, StatusCode
from pydantic import BaseModel

from daydream_contracts.events import NANOUSD_PER_USD, ModelCall, derive_id
from daydream_contracts.text_limits import truncate
from daydream_models.batch.worker import BatchWorker
from daydream_models.budget_client import BudgetClient
from daydream_models.parsing import parse_object
from daydream_models.pricing.bounds import (
    call_bound_nanousd,
    input_byte_nanousd,
    prompt_tokens_bound,
)
from daydream_models.pricing.lookup import Price, upper_bound_nanousd
from daydream_models.pricing.tokens import counter_for
from daydream_models.prompt import FENCE_BYTES, REPAIR, Prompt, digest_of, repair_messages
from daydream_models.provider import ChatRequest, ModelCallError, ModelProvider, ProviderAnswer
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.reservations import FULL, StageCost, StagePlan
from daydream_models.response_store import TEXT_BYTES_MAX, ResponseStore, StoredResponse
from daydream_runtime.telemetry import Attribute, Telemetry

T = TypeVar("T", bound=BaseModel)
log = logging.getLogger(__name__)
ANSWER_CHARS_MAX = 8000
SETTLE_GRACE_S = (
    60.0  # a draw outlives its call by this: storing and settling may have to wait for a server
)


@dataclass(frozen=True)
class ModelRequest:
    """What is asked, of which prompt, and who pays. `key` names it: the same key is the same question."""

    key: str
    reservation_id: str
    prompt: Prompt
    messages: tuple[dict[str, str], ...]
    output_tokens_max: int
    temperature: float
    repair: bool = True


@dataclass(frozen=True)
class ModelReply(Generic[T]):
    """The answer as it was read (None: not even after the repair), the raw text, the calls that it took, and its numbers as expectations where the server
    told its token probabilities."""

    value: T | None
    text: str
    calls: tuple[ModelCall, ...]
    expected: Mapping[str, float] = field(default_factory=dict)


class BudgetedModelClient:
    """A model with a budget."""

    def __init__(
        self,
        endpoint: ModelProvider,
        price: Price,
        budget: BudgetClient,
        answers: ResponseStore,
        telemetry: Telemetry,
        *,
        lane: BatchWorker | None = None,
        loops: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:
        """`lane`: for calls that are not urgent; `loops`: what has to run for it."""
        self.loops = loops
        self.settings = endpoint.settings
        self._endpoint = endpoint
        self._price = price
        self._budget = budget
        self._answers = answers
        self._telemetry = telemetry
        self._lane = lane
        self._count = counter_for(self.settings.name, self.settings.base_url)
        self._in_flight: dict[str, asyncio.Task[StoredResponse]] = {}

    def plan(self, forms: RequestSpecs) -> StagePlan:
        """The most that one question can cost in each size."""
        costs = {size: self._cost(form) for size, form in forms.items()}
        full = costs.pop(FULL)
        return StagePlan(
            stage=self._budget.stage,
            model=self.settings.name,
            team=self._budget.team,
            clearance=self.settings.clearance,
            smaller=costs,
            **full.model_dump(),
        )

    def _cost(self, form: RequestSpec) -> StageCost:
        once = form.prompt.fixed_bytes + form.text_bytes_max + 8 * FENCE_BYTES
        output_max = form.output_tokens_max + self.settings.reasoning_tokens_max
        fixed = upper_bound_nanousd(self._price, once, 2, output_max)
        if form.repair:
            again = (
                once
                + 4 * form.output_tokens_max
                + len(REPAIR)
                + len(json.dumps(form.prompt.schema))
            )
            fixed += upper_bound_nanousd(self._price, again, 4, output_max)
        return StageCost(
            fixed_nanousd=fixed,
            nanousd_per_fact_byte=(1 + form.repair) * form.facts * input_byte_nanousd(self._price),
        )

    async def ask(self, question: ModelRequest, kind: type[T]) -> ModelReply[T]:
        """Ask, and once more where the answer can't be read (if that is paid for). Raises the failures of `budget` and `endpoint`."""
        first = await self._answer(question, question.messages, "first")
        value = parse_object(first.text, kind)
        calls = (self._call(question, question.messages, first, repair=False),)
        if value is not None or not question.repair:
            return ModelReply(value, first.text, calls, first.expected)
        again = repair_messages(
            question.messages, first.text, question.prompt.schema, question.output_tokens_max
        )
        second = await self._answer(question, again, "repair")
        return ModelReply(
            parse_object(second.text, kind),
            second.text or first.text,
            (*calls, self._call(question, again, second, repair=True)),
            second.expected,
        )

    async def _answer(
        self, question: ModelRequest, messages: tuple[dict[str, str], ...], step: str
    ) -> StoredResponse:
        call_id = derive_id(
            "call", question.key, question.prompt.ref.digest, self.settings.name, step
        )
        task = self._in_flight.get(call_id)
        if task is None:
            task = asyncio.create_task(self._find_or_buy(call_id, question, messages))
            self._in_flight[call_id] = task
            task.add_done_callback(lambda _: self._in_flight.pop(call_id, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()  # we are being stopped: the call in hand is given up, and its draw stays spent
            raise

    async def _find_or_buy(
        self, call_id: str, question: ModelRequest, messages: tuple[dict[str, str], ...]
    ) -> StoredResponse:
        stored = await self._answers.find(call_id)
        if stored is None:
            stored = await self._buy(call_id, question, messages)
        await self._budget.settle(
            stored.attempt_id,
            stored.cost_nanousd,
            stored.input_tokens,
            stored.output_tokens,
            stored.provider_id,
        )
        return stored

    async def _buy(
        self, call_id: str, question: ModelRequest, messages: tuple[dict[str, str], ...]
    ) -> StoredResponse:
        input_max = self._input_tokens_max(question, messages)
        output_max = question.output_tokens_max + self.settings.reasoning_tokens_max
        now = datetime.now(UTC)
        lifetime_s = self.settings.timeout_s + SETTLE_GRACE_S
        bound = call_bound_nanousd(
            self._price, input_max, output_max, span=(now, now + timedelta(seconds=lifetime_s))
        )
        attempt = ChatRequest(
            messages,
            question.prompt.schema,
            question.prompt.name.replace(".", "_"),
            question.output_tokens_max,
            question.temperature,
            int(call_id[:7], 16),
        )
        if self._lane is not None:
            draw = partial(self._budget.draw, question.reservation_id, call_id, bound)
            await self._lane.hand_in(call_id, self._endpoint.arguments(attempt), bound, draw)
        attempt_id = await self._budget.draw(question.reservation_id, call_id, bound, lifetime_s)
        try:
            raw = await self._measured(attempt)
        except ModelCallError as failed:
            await self._budget.settle(attempt_id, None if failed.may_have_cost else 0)
            raise failed.failure from failed
        answered_at = datetime.now(UTC)
        cost = self._price.cost_nanousd(raw.usage, at=answered_at) if raw.usage else bound
        if raw.usage and cost > bound:
            log.error(
                "a call cost more than its bound: model %s, %d bytes in %d messages, at most %d + %d tokens for %d nano-dollars; it had %s for %d, by %s",
                self.settings.name,
                _bytes(messages),
                len(messages),
                input_max,
                output_max,
                bound,
                raw.usage,
                cost,
                self._price.tariffs(answered_at),
            )
        stored = StoredResponse(
            call_id=call_id,
            attempt_id=attempt_id,
            text=truncate(raw.text, TEXT_BYTES_MAX),
            finish_reason=raw.finish_reason,
            model=raw.model or self.settings.name,
            input_tokens=raw.usage.input_tokens if raw.usage else None,
            output_tokens=raw.usage.output_tokens if raw.usage else None,
            cost_nanousd=cost,
            answered_at=answered_at,
            provider_id=raw.provider_id,
            expected=raw.expected,
            messages_digest=digest_of(messages),
        )
        await self._answers.keep(stored)
        self._telemetry.spent_usd.add(
            (stored.cost_nanousd or 0) / NANOUSD_PER_USD,
            {Attribute.STAGE: self._budget.stage, Attribute.REQUEST_MODEL: self.settings.name},
        )
        return stored

    def _input_tokens_max(
        self, question: ModelRequest, messages: tuple[dict[str, str], ...]
    ) -> int:
        contents = [message["content"] for message in messages]
        return prompt_tokens_bound(contents, len(json.dumps(question.prompt.schema)), self._count)

    async def _measured(self, attempt: ChatRequest) -> ProviderAnswer:
        common: dict[str, Any] = {
            Attribute.OPERATION: "chat",
            Attribute.PROVIDER: self.settings.provider or "openai",
            Attribute.REQUEST_MODEL: self.settings.name,
        }
        started = time.perf_counter()
        labels = dict(common)
        with self._telemetry.tracer.start_as_current_span(
            f"chat {self.settings.name}", kind=SpanKind.CLIENT, attributes=common
        ) as span:
            span.set_attributes(
                {
                    "gen_ai.request.max_tokens": attempt.output_tokens_max,
                    "gen_ai.request.seed": attempt.seed,
                    "gen_ai.output.type": "json",
                }
            )
            try:
                raw = await self._endpoint.attempt(attempt)
            except ModelCallError as failed:
                labels[Attribute.ERROR] = type(failed.failure).__name__
                span.set_attribute(Attribute.ERROR, labels[Attribute.ERROR])
                span.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                self._telemetry.call_s.record(time.perf_counter() - started, labels)
            span.set_attributes(
                {
                    Attribute.RESPONSE_MODEL: raw.model,
                    "gen_ai.response.finish_reasons": [raw.finish_reason],
                }
            )
            if raw.usage:
                for kind, count in (
                    ("input", raw.usage.input_tokens),
                    ("output", raw.usage.output_tokens),
                ):
                    span.set_attribute(f"gen_ai.usage.{kind}_tokens", count)
                    self._telemetry.call_tokens.record(
                        count, {**common, Attribute.TOKEN_TYPE: kind}
                    )
            return raw

    def _call(
        self,
        question: ModelRequest,
        messages: tuple[dict[str, str], ...],
        answer: StoredResponse,
        *,
        repair: bool,
    ) -> ModelCall:
        return ModelCall(
            messages_digest=answer.messages_digest or digest_of(messages),
            answer=answer.text[:ANSWER_CHARS_MAX],
            call_id=answer.call_id,
            model=answer.model,
            prompt=question.prompt.ref,
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cost_nanousd=answer.cost_nanousd or 0,
            saved_nanousd=answer.saved_nanousd,
            repair=repair,
        )


def _bytes(messages: tuple[dict[str, str], ...]) -> int:
    return sum(len(message["content"].encode()) for message in messages)
