"""Make each model call once and pay for it once, even if a worker dies in between.

Steps: stored response, if there is one → authorize the upper bound → call → store → settle.

What a crash leaves behind: between authorize and store, the authorization is spent when its time is
up, and the redelivered message makes the call again. Between store and settle, the next worker
settles the same attempt. A second delivery in the same process joins the call in progress.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial

from daydream_contracts.text_limits import truncate
from daydream_models.batch.worker import BatchWorker
from daydream_models.budget_client import BudgetClient
from daydream_models.metrics import ModelMetrics, observe_call
from daydream_models.model_request import Messages, ModelRequest
from daydream_models.pricing.bounds import call_bound_nanousd, prompt_tokens_bound
from daydream_models.pricing.tariff import Price
from daydream_models.pricing.tokens import Counter, counter_for
from daydream_models.prompt import digest_of
from daydream_models.provider import ChatRequest, ModelProvider
from daydream_models.provider_answers import ProviderAnswer
from daydream_models.provider_errors import ModelCallError
from daydream_models.response_store import TEXT_BYTES_MAX, ResponseStore, StoredResponse
from daydream_models.settings import ModelSettings
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)
SETTLE_GRACE_S = 60.0  # storing and settling may have to wait for a server that restarts


@dataclass(frozen=True)
class CallBound:
    """The maximum of a call: tokens, and nano-dollars for them."""

    input_tokens: int
    output_tokens: int
    nanousd: int


@dataclass
class PaidCalls:
    """The paid calls of one stage to one model."""

    provider: ModelProvider
    price: Price
    budget: BudgetClient
    responses: ResponseStore
    telemetry: Telemetry
    batch_worker: BatchWorker | None = None
    _in_progress: dict[str, asyncio.Task[StoredResponse]] = field(
        default_factory=dict, init=False, repr=False
    )

    @property
    def settings(self) -> ModelSettings:
        """Return the settings of the model."""
        return self.provider.settings

    @cached_property
    def _count_tokens(self) -> Counter | None:
        return counter_for(self.settings.name, self.settings.base_url)

    @cached_property
    def _metrics(self) -> ModelMetrics:
        return ModelMetrics(self.telemetry, self.budget.stage, self.settings.name)

    async def response(
        self, call_id: str, request: ModelRequest, messages: Messages
    ) -> StoredResponse:
        """Return the response of a call, stored and settled.

        Raise the errors of BudgetClient.authorize and those that `provider_errors` names.
        """
        task = self._in_progress.get(call_id)
        if task is None:
            task = asyncio.create_task(self._stored_or_paid(call_id, request, messages))
            self._in_progress[call_id] = task
            task.add_done_callback(lambda _: self._in_progress.pop(call_id, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()  # the process stops: give up the call; its authorization stays spent
            raise

    async def _stored_or_paid(
        self, call_id: str, request: ModelRequest, messages: Messages
    ) -> StoredResponse:
        response = await self.responses.find(call_id)
        if response is None:
            response = await self._pay(call_id, request, messages)
        await self.budget.settle(
            response.attempt_id,
            response.cost_nanousd,
            response.input_tokens,
            response.output_tokens,
            response.provider_id,
        )
        return response

    async def _pay(self, call_id: str, request: ModelRequest, messages: Messages) -> StoredResponse:
        lifetime_s = self.settings.timeout_s + SETTLE_GRACE_S
        bound = self._bound(request, messages, lifetime_s)
        chat = ChatRequest(
            messages,
            request.prompt.schema,
            request.prompt.name.replace(".", "_"),
            request.output_tokens_max,
            request.temperature,
            seed=int(call_id[:7], 16),
        )
        authorize = partial(self.budget.authorize, request.reservation_id, call_id, bound.nanousd)
        if self.batch_worker is not None:
            body = self.provider.body(chat)
            await self.batch_worker.submit(call_id, body, bound.nanousd, authorize)
        attempt_id = await authorize(lifetime_s)
        answer = await self._call(attempt_id, chat)
        response = self._priced(call_id, attempt_id, answer, messages, bound)
        await self.responses.store(response)
        self._metrics.add_cost(response.cost_nanousd or 0)
        return response

    async def _call(self, attempt_id: str, chat: ChatRequest) -> ProviderAnswer:
        """Make the call. A failed one is settled by what is known of its cost."""
        settings = self.settings
        try:
            with observe_call(
                self.telemetry, self._metrics, settings.name, settings.provider, chat
            ) as call:
                answer = await self.provider.complete(chat)
                call.answered(answer)
                return answer
        except ModelCallError as error:
            await self.budget.settle(attempt_id, None if error.may_have_cost else 0)
            raise error.failure from error

    def _bound(self, request: ModelRequest, messages: Messages, lifetime_s: float) -> CallBound:
        contents = [message["content"] for message in messages]
        schema_bytes = len(json.dumps(request.prompt.schema))
        input_tokens = prompt_tokens_bound(contents, schema_bytes, self._count_tokens)
        output_tokens = request.output_tokens_max + self.settings.reasoning_tokens_max
        now = datetime.now(UTC)
        span = (now, now + timedelta(seconds=lifetime_s))
        nanousd = call_bound_nanousd(self.price, input_tokens, output_tokens, span=span)
        return CallBound(input_tokens, output_tokens, nanousd)

    def _priced(
        self,
        call_id: str,
        attempt_id: str,
        answer: ProviderAnswer,
        messages: Messages,
        bound: CallBound,
    ) -> StoredResponse:
        """Return what is stored of an answer. Without usage it costs the whole upper bound."""
        answered_at = datetime.now(UTC)
        usage = answer.usage
        cost_nanousd = self.price.cost_nanousd(usage, at=answered_at) if usage else bound.nanousd
        if cost_nanousd > bound.nanousd:
            self._log_overrun(answer, messages, bound, cost_nanousd)
        return StoredResponse(
            call_id=call_id,
            attempt_id=attempt_id,
            text=truncate(answer.text, TEXT_BYTES_MAX),
            finish_reason=answer.finish_reason,
            model=answer.model or self.settings.name,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            cost_nanousd=cost_nanousd,
            answered_at=answered_at,
            provider_id=answer.provider_id,
            expected=answer.expected,
            messages_digest=digest_of(messages),
        )

    def _log_overrun(
        self, answer: ProviderAnswer, messages: Messages, bound: CallBound, cost_nanousd: int
    ) -> None:
        log.error(
            "A call cost more than its upper bound. Model: %s. Bound: %d bytes in %d messages, "
            "at most %d + %d tokens, %d nano-dollars. Reported: %s, %d nano-dollars. Tariffs: %s",
            self.settings.name,
            _content_bytes(messages),
            len(messages),
            bound.input_tokens,
            bound.output_tokens,
            bound.nanousd,
            answer.usage,
            cost_nanousd,
            self.price.tariffs(datetime.now(UTC)),
        )


def _content_bytes(messages: Sequence[dict[str, str]]) -> int:
    return sum(len(message["content"].encode()) for message in messages)
