"""Ask a model within a budget, and again if its answer can't be read.

Data: request → call (`paid_calls`) → parsed answer, or one repair that is paid for likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from daydream_contracts.events import ModelCall, derive_id
from daydream_models.batch.worker import BatchWorker
from daydream_models.budget_client import BudgetClient
from daydream_models.model_request import AnswerT, Messages, ModelReply, ModelRequest
from daydream_models.paid_calls import PaidCalls
from daydream_models.parsing import parse_object
from daydream_models.pricing.tariff import Price
from daydream_models.prompt import digest_of, repair_messages
from daydream_models.provider import ModelProvider
from daydream_models.request_spec import RequestSpecs, stage_cost
from daydream_models.reservations import FULL, StagePlan
from daydream_models.response_store import ResponseStore, StoredResponse
from daydream_models.settings import ModelSettings
from daydream_runtime.telemetry import Telemetry

ANSWER_CHARS_MAX = 8000  # of the raw answer that a verdict carries
Loop = Callable[[], Coroutine[Any, Any, None]]


class BudgetedModelClient:
    """A model that a reservation pays for. `loops` must run in the background for it."""

    def __init__(
        self,
        provider: ModelProvider,
        price: Price,
        budget: BudgetClient,
        responses: ResponseStore,
        telemetry: Telemetry,
        *,
        batch_worker: BatchWorker | None = None,
        loops: Sequence[Loop] = (),
    ) -> None:
        self.loops = loops
        self._price = price
        self._budget = budget
        self._calls = PaidCalls(provider, price, budget, responses, telemetry, batch_worker)

    @property
    def settings(self) -> ModelSettings:
        """Return the settings of the model."""
        return self._calls.settings

    def plan(self, specs: RequestSpecs) -> StagePlan:
        """Return the maximum cost of one request in each size of a plan."""
        thought = self.settings.reasoning_tokens_max
        costs = {size: stage_cost(spec, self._price, thought) for size, spec in specs.items()}
        full = costs.pop(FULL)
        return StagePlan(
            stage=self._budget.stage,
            model=self.settings.name,
            team=self._budget.team,
            clearance=self.settings.clearance,
            reduced=costs,
            **full.model_dump(),
        )

    async def request(self, request: ModelRequest, answer: type[AnswerT]) -> ModelReply[AnswerT]:
        """Return the answer, read as `answer`. Raise the errors of PaidCalls.response.

        If it can't be read and `request.repair` is set, ask again for the JSON object.
        """
        first = await self._response(request, request.messages, "first")
        value = parse_object(first.text, answer)
        calls = (_model_call(request, request.messages, first, repair=False),)
        if value is not None or not request.repair:
            return ModelReply(value, first.text, calls, first.expected)
        messages = repair_messages(
            request.messages, first.text, request.prompt.schema, request.output_tokens_max
        )
        second = await self._response(request, messages, "repair")
        return ModelReply(
            parse_object(second.text, answer),
            second.text or first.text,
            (*calls, _model_call(request, messages, second, repair=True)),
            second.expected,
        )

    async def _response(
        self, request: ModelRequest, messages: Messages, step: str
    ) -> StoredResponse:
        digest = request.prompt.ref.digest
        call_id = derive_id("call", request.key, digest, self.settings.name, step)
        return await self._calls.response(call_id, request, messages)


def _model_call(
    request: ModelRequest, messages: Messages, response: StoredResponse, *, repair: bool
) -> ModelCall:
    """Return a call as a verdict carries it."""
    return ModelCall(
        messages_digest=response.messages_digest or digest_of(messages),
        answer=response.text[:ANSWER_CHARS_MAX],
        call_id=response.call_id,
        model=response.model,
        prompt=request.prompt.ref,
        input_tokens=response.input_tokens,
        output_tokens=response.output_tokens,
        cost_nanousd=response.cost_nanousd or 0,
        saved_nanousd=response.saved_nanousd,
        repair=repair,
    )
