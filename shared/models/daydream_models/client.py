"""Ask a model for a structured answer, and again if its answer can't be read.

Data: request → named call at the gateway → parsed answer, or one repair that is paid for likewise.
A repeated call gets the answer that was paid for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import ModelCall, derive_id
from daydream_contracts.gateway_http import FILTERED, RUNAWAY
from daydream_contracts.rpc import Quote
from daydream_models.gateway_client import GatewayAnswer, GatewayClient
from daydream_models.logprobs import completion_numbers, letter_probabilities
from daydream_models.model_request import AnswerT, Messages, ModelReply, ModelRequest
from daydream_models.parsing import parse_object, parse_problem, without_thinking
from daydream_models.prompt import Prompt, digest_of, repair_messages
from daydream_models.request_spec import RequestSpec, RequestSpecs, stage_cost, usual_nanousd
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import FULL, StagePlan

ANSWER_CHARS_MAX = 8000  # of the raw answer that a verdict carries
CUT = "length"  # the finish reason of an answer that reached its maximum
FILTER_FINISH, FILTER_TEXT = "content_filter", "a content filter ended the answer"


class ModelClient:
    """One model, asked by one stage."""

    def __init__(
        self, gateway: GatewayClient, settings: ModelSettings, quote: Quote, stage: str
    ) -> None:
        self.settings = settings
        self._gateway = gateway
        self._quote = quote
        self._stage = stage

    def plan(self, specs: RequestSpecs) -> StagePlan:
        """Return what one request costs, in each size of a plan."""
        costs = {size: stage_cost(spec, self._quote) for size, spec in specs.items()}
        full = costs.pop(FULL)
        return StagePlan(
            stage=self._stage,
            model=self.settings.name,
            clearance=self.settings.clearance,
            reduced=costs,
            **full.costs(),
        )

    def usual_nanousd(self, spec: RequestSpec, messages: Messages) -> int:
        """Return what a request with these messages is expected to cost."""
        return usual_nanousd(spec, self._quote, messages)

    async def request(self, request: ModelRequest, answer: type[AnswerT]) -> ModelReply[AnswerT]:
        """Return the answer, read as `answer`. Raise the errors of GatewayClient.chat.

        If it can't be read and `request.repair` is set, ask again for the JSON object. What a
        content filter refuses is no failure: the reply says so, and nothing is asked again.
        """
        calls: list[ModelCall] = []
        try:
            return await self._answer(request, answer, calls)
        except PermanentError as error:
            if error.reason != FILTERED:
                raise
            return ModelReply(None, str(error), tuple(calls), filtered=str(error))

    async def _answer(
        self, request: ModelRequest, answer: type[AnswerT], calls: list[ModelCall]
    ) -> ModelReply[AnswerT]:
        """Return the answer, and add what was paid to `calls`, also if it raises."""
        first = await self._ask(request, request.messages, "first")
        value = read_answer(request.prompt, first.text, answer)
        calls.append(_model_call(request, request.messages, first))
        if first.finish_reason == FILTER_FINISH and value is None:
            return ModelReply(None, first.text, tuple(calls), filtered=FILTER_TEXT)
        # The same request with the same maximum would run away again, or be cut in thought again:
        # the gateway has given it more room already.
        is_cut_in_thought = first.finish_reason == CUT and not first.text.strip()
        is_hopeless = first.receipt.kind == RUNAWAY or is_cut_in_thought
        if value is not None or is_hopeless or not request.repair:
            return ModelReply(
                value,
                first.text,
                tuple(calls),
                _expected(first),
                letters=letter_probabilities(first.completion),
            )
        problem = problem_of(first.text, first.finish_reason, answer)
        messages = repair_messages(
            request.messages, first.text, request.prompt.schema, request.output_tokens_max, problem
        )
        second = await self._ask(request, messages, "repair")
        return ModelReply(
            read_answer(request.prompt, second.text, answer),
            second.text or first.text,
            (*calls, _model_call(request, messages, second, problem)),
            _expected(second),
        )

    async def _ask(self, request: ModelRequest, messages: Messages, step: str) -> GatewayAnswer:
        digest = request.prompt.ref.digest
        call_id = derive_id("call", request.key, digest, self.settings.name, step)
        body = self._body(request, messages, seed=int(call_id[:7], 16))
        return await self._gateway.chat(
            call_id, request.reservation_id, body, batch=self.settings.batch
        )

    def _body(self, request: ModelRequest, messages: Messages, *, seed: int) -> Mapping[str, Any]:
        """Return the body of a call, as OpenAI's newest models take it.

        The gateway translates it for providers that don't.
        """
        settings = self.settings
        own = settings.temperature
        body: dict[str, Any] = {
            "model": settings.name,
            "messages": list(messages),
            "max_completion_tokens": request.output_tokens_max,
            "temperature": request.temperature if own is None else own,
            "seed": seed,
            **_response_format(request.prompt),
        }
        if settings.reasoning_effort:
            body["reasoning_effort"] = settings.reasoning_effort
        if settings.logprobs:
            body |= {"logprobs": True, "top_logprobs": request.alternatives}
        return body


def read_answer(prompt: Prompt, text: str, answer: type[AnswerT]) -> AnswerT | None:
    """Return the answer, or None if it can't be read.

    An answer in prose is the text after the model's thinking, as the field `text` of `answer`.
    """
    if not prompt.is_prose:
        return parse_object(text, answer)
    prose = without_thinking(text)
    return answer.model_validate({"text": prose}) if prose else None


def _response_format(prompt: Prompt) -> dict[str, Any]:
    """Return what makes a server answer with JSON; nothing for an answer in prose."""
    if prompt.is_prose:
        return {}
    name = prompt.name.replace(".", "_")
    shape = {"name": name, "strict": True, "schema": prompt.schema}
    return {"response_format": {"type": "json_schema", "json_schema": shape}}


def problem_of(text: str, finish_reason: str, answer: type[AnswerT]) -> str:
    """Return what is wrong with an answer that could not be read, for its repair."""
    if not text.strip():
        return "The answer was empty."
    if finish_reason == CUT:
        return "The answer was cut off at its maximum. Write shorter texts."
    return parse_problem(text, answer)


def _expected(answer: GatewayAnswer) -> dict[str, float]:
    return completion_numbers(answer.completion)


def _model_call(
    request: ModelRequest, messages: Messages, answer: GatewayAnswer, problem: str = ""
) -> ModelCall:
    """Return a call as a verdict carries it. `problem` is set for a repair."""
    receipt = answer.receipt
    return ModelCall(
        messages_digest=receipt.messages_digest or digest_of(messages),
        answer=answer.text[:ANSWER_CHARS_MAX],
        call_id=receipt.call_id,
        model=receipt.model or answer.completion.model,
        prompt=request.prompt.ref,
        input_tokens=receipt.input_tokens,
        output_tokens=receipt.output_tokens,
        cost_nanousd=receipt.cost_nanousd,
        saved_nanousd=receipt.saved_nanousd,
        repair=bool(problem),
        problem=problem,
    )
