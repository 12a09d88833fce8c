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

from daydream_shared.llm.answers import TEXT_BYTES_MAX, AnswerStore, StoredAnswer
from daydream_shared.llm.batch_lane import BatchLane
from daydream_shared.llm.endpoint import Attempt, CallFailed, ModelEndpoint, RawAnswer
from daydream_shared.llm.forms import Form, Forms
from daydream_shared.llm.prompt import FENCE_BYTES, REPAIR, Prompt, asked_again, cut, digest_of
from daydream_shared.llm.reading import read_object
from daydream_shared.messages import NANOUSD_PER_USD, ModelCall, derive_id
from daydream_shared.money.bounds import call_bound_nanousd, input_byte_nanousd, prompt_tokens_bound
from daydream_shared.money.counting import counter_for
from daydream_shared.money.plans import FULL, Cost, StagePlan
from daydream_shared.money.prices import Price, upper_bound_nanousd
from daydream_shared.money.purse import Purse
from daydream_shared.telemetry import Name, Telemetry

T = TypeVar("T", bound=BaseModel)
log = logging.getLogger(__name__)
ANSWER_CHARS_MAX = 8000
SETTLE_GRACE_S = 60.0  # a draw outlives its call by this: storing and settling may have to wait for a server


@dataclass(frozen=True)
class Question:
    """What is asked, of which prompt, and who pays. `key` names it: the same key is the same question."""

    key: str
    envelope_id: str
    prompt: Prompt
    messages: tuple[dict[str, str], ...]
    output_tokens_max: int
    temperature: float
    repair: bool = True


@dataclass(frozen=True)
class Reply(Generic[T]):
    """The answer as it was read (None: not even after the repair), the raw text, the calls that it took, and its numbers as expectations where the server
    told its token probabilities."""

    value: T | None
    text: str
    calls: tuple[ModelCall, ...]
    expected: Mapping[str, float] = field(default_factory=dict)


class PaidModel:
    """A model with a purse."""

    def __init__(
        self, endpoint: ModelEndpoint, price: Price, purse: Purse, answers: AnswerStore, telemetry: Telemetry,
        *, lane: BatchLane | None = None, loops: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
    ) -> None:  # fmt: skip
        """`lane`: for calls that are not urgent; `loops`: what has to run for it."""
        self.loops = loops
        self.settings = endpoint.settings
        self._endpoint = endpoint
        self._price = price
        self._purse = purse
        self._answers = answers
        self._telemetry = telemetry
        self._lane = lane
        self._count = counter_for(self.settings.name, self.settings.base_url)
        self._in_flight: dict[str, asyncio.Task[StoredAnswer]] = {}

    def plan(self, forms: Forms) -> StagePlan:
        """The most that one question can cost in each size."""
        costs = {size: self._cost(form) for size, form in forms.items()}
        full = costs.pop(FULL)
        return StagePlan(
            stage=self._purse.stage, model=self.settings.name, team=self._purse.team, clearance=self.settings.clearance, smaller=costs, **full.model_dump()
        )

    def _cost(self, form: Form) -> Cost:
        once = form.prompt.fixed_bytes + form.text_bytes_max + 8 * FENCE_BYTES
        output_max = form.output_tokens_max + self.settings.reasoning_tokens_max
        fixed = upper_bound_nanousd(self._price, once, 2, output_max)
        if form.repair:
            again = once + 4 * form.output_tokens_max + len(REPAIR) + len(json.dumps(form.prompt.schema))
            fixed += upper_bound_nanousd(self._price, again, 4, output_max)
        return Cost(fixed_nanousd=fixed, nanousd_per_fact_byte=(1 + form.repair) * form.facts * input_byte_nanousd(self._price))

    async def ask(self, question: Question, kind: type[T]) -> Reply[T]:
        """Ask, and once more where the answer can't be read (if that is paid for). Raises the failures of `purse` and `endpoint`."""
        first = await self._answer(question, question.messages, "first")
        value = read_object(first.text, kind)
        calls = (self._call(question, question.messages, first, repair=False),)
        if value is not None or not question.repair:
            return Reply(value, first.text, calls, first.expected)
        again = asked_again(question.messages, first.text, question.prompt.schema, question.output_tokens_max)
        second = await self._answer(question, again, "repair")
        return Reply(read_object(second.text, kind), second.text or first.text, (*calls, self._call(question, again, second, repair=True)), second.expected)

    async def _answer(self, question: Question, messages: tuple[dict[str, str], ...], step: str) -> StoredAnswer:
        call_id = derive_id("call", question.key, question.prompt.ref.digest, self.settings.name, step)
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

    async def _find_or_buy(self, call_id: str, question: Question, messages: tuple[dict[str, str], ...]) -> StoredAnswer:
        stored = await self._answers.find(call_id)
        if stored is None:
            stored = await self._buy(call_id, question, messages)
        await self._purse.settle(stored.attempt_id, stored.cost_nanousd, stored.input_tokens, stored.output_tokens, stored.provider_id)
        return stored

    async def _buy(self, call_id: str, question: Question, messages: tuple[dict[str, str], ...]) -> StoredAnswer:
        input_max = self._input_tokens_max(question, messages)
        output_max = question.output_tokens_max + self.settings.reasoning_tokens_max
        now = datetime.now(UTC)
        lifetime_s = self.settings.timeout_s + SETTLE_GRACE_S
        bound = call_bound_nanousd(self._price, input_max, output_max, span=(now, now + timedelta(seconds=lifetime_s)))
        attempt = Attempt(
            messages, question.prompt.schema, question.prompt.name.replace(".", "_"), question.output_tokens_max,
            question.temperature, int(call_id[:7], 16),
        )  # fmt: skip
        if self._lane is not None:
            draw = partial(self._purse.draw, question.envelope_id, call_id, bound)
            await self._lane.hand_in(call_id, self._endpoint.arguments(attempt), bound, draw)
        attempt_id = await self._purse.draw(question.envelope_id, call_id, bound, lifetime_s)
        try:
            raw = await self._measured(attempt)
        except CallFailed as failed:
            await self._purse.settle(attempt_id, None if failed.may_have_cost else 0)
            raise failed.failure from failed
        answered_at = datetime.now(UTC)
        cost = self._price.cost_nanousd(raw.usage, at=answered_at) if raw.usage else bound
        if raw.usage and cost > bound:
            log.error(
                "a call cost more than its bound: model %s, %d bytes in %d messages, at most %d + %d tokens for %d nano-dollars; it had %s for %d, by %s",
                self.settings.name, _bytes(messages), len(messages), input_max, output_max, bound, raw.usage, cost, self._price.tariffs(answered_at),
            )  # fmt: skip
        stored = StoredAnswer(
            call_id=call_id, attempt_id=attempt_id, text=cut(raw.text, TEXT_BYTES_MAX),
            finish_reason=raw.finish_reason, model=raw.model or self.settings.name,
            input_tokens=raw.usage.input_tokens if raw.usage else None, output_tokens=raw.usage.output_tokens if raw.usage else None,
            cost_nanousd=cost, answered_at=answered_at, provider_id=raw.provider_id, expected=raw.expected, messages_digest=digest_of(messages),
        )  # fmt: skip
        await self._answers.keep(stored)
        self._telemetry.spent_usd.add((stored.cost_nanousd or 0) / NANOUSD_PER_USD, {Name.STAGE: self._purse.stage, Name.REQUEST_MODEL: self.settings.name})
        return stored

    def _input_tokens_max(self, question: Question, messages: tuple[dict[str, str], ...]) -> int:
        contents = [message["content"] for message in messages]
        return prompt_tokens_bound(contents, len(json.dumps(question.prompt.schema)), self._count)

    async def _measured(self, attempt: Attempt) -> RawAnswer:
        common: dict[str, Any] = {Name.OPERATION: "chat", Name.PROVIDER: self.settings.provider or "openai", Name.REQUEST_MODEL: self.settings.name}
        started = time.perf_counter()
        labels = dict(common)
        with self._telemetry.tracer.start_as_current_span(f"chat {self.settings.name}", kind=SpanKind.CLIENT, attributes=common) as span:
            span.set_attributes({"gen_ai.request.max_tokens": attempt.output_tokens_max, "gen_ai.request.seed": attempt.seed, "gen_ai.output.type": "json"})
            try:
                raw = await self._endpoint.attempt(attempt)
            except CallFailed as failed:
                labels[Name.ERROR] = type(failed.failure).__name__
                span.set_attribute(Name.ERROR, labels[Name.ERROR])
                span.set_status(Status(StatusCode.ERROR))
                raise
            finally:
                self._telemetry.call_s.record(time.perf_counter() - started, labels)
            span.set_attributes({Name.RESPONSE_MODEL: raw.model, "gen_ai.response.finish_reasons": [raw.finish_reason]})
            if raw.usage:
                for kind, count in (("input", raw.usage.input_tokens), ("output", raw.usage.output_tokens)):
                    span.set_attribute(f"gen_ai.usage.{kind}_tokens", count)
                    self._telemetry.call_tokens.record(count, {**common, Name.TOKEN_TYPE: kind})
            return raw

    def _call(self, question: Question, messages: tuple[dict[str, str], ...], answer: StoredAnswer, *, repair: bool) -> ModelCall:
        return ModelCall(
            messages_digest=answer.messages_digest or digest_of(messages), answer=answer.text[:ANSWER_CHARS_MAX],
            call_id=answer.call_id, model=answer.model, prompt=question.prompt.ref, input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens, cost_nanousd=answer.cost_nanousd or 0, saved_nanousd=answer.saved_nanousd, repair=repair,
        )  # fmt: skip


def _bytes(messages: tuple[dict[str, str], ...]) -> int:
    return sum(len(message["content"].encode()) for message in messages)
