"""One attempt to refute a hypothesis: the strongest case against it, a statement that says the same
already, and whether the hypothesis holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from daydream_contracts.events import (
    HypothesisProposed,
    ModelCall,
    Refutation,
    Statement,
    Synthesis,
    derive_id,
)
from daydream_contracts.prompt_variables import order_statements, refute_variables
from daydream_contracts.text_limits import chars_max, cut
from daydream_models.answer import AnswerModel
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.prompt import digest_of
from daydream_models.request_spec import RequestSpec

PROMPT = "refute.v1.md"
PLACEHOLDERS = frozenset(
    {"hypothesis", "reasoning", "implication", "first", "second", "statements"}
)
TEMPERATURE = 0.2
TEMPERATURE_AGAIN = 0.8  # an attempt that repeats the first word for word is worth nothing
STATEMENTS_MAX = 99


class RefuteAnswer(AnswerModel):
    """The full answer. Short answers are read as this model too. `same_as` 0 means no statement."""

    case: str = Field(max_length=500)
    same_as: int = Field(ge=0, le=STATEMENTS_MAX)
    verdict: Literal["holds", "refuted"]


class ShortRefuteAnswer(RefuteAnswer):
    """The answer that is asked for in reduced plans, and from models with short answers."""

    case: str = Field(max_length=200)


async def refute(
    model: ModelClient,
    spec: RequestSpec,
    proposed: HypothesisProposed,
    synthesis: Synthesis,
    statements: Sequence[Statement],
    attempt: int,
) -> tuple[Refutation, tuple[ModelCall, ...]]:
    """Make one attempt, counted from 0, and return it with its calls.

    Every second attempt sees facts and statements in reverse order.
    """
    messages = spec.prompt.fill(**refute_variables(proposed.pair, synthesis, statements, attempt))
    ids = (proposed.message_id, model.settings.name, attempt, digest_of(messages))
    request = ModelRequest(
        key=derive_id("refutation", *ids),
        reservation_id=proposed.pair.reservation_id,
        prompt=spec.prompt,
        messages=messages,
        output_tokens_max=spec.output_tokens_max,
        temperature=TEMPERATURE_AGAIN if attempt else TEMPERATURE,
        repair=spec.repair,
    )
    reply = await model.request(request, RefuteAnswer)
    shown = order_statements(statements, attempt)
    return _refutation_of(reply, shown, spec.prompt.ref.digest), reply.calls


def _refutation_of(
    reply: ModelReply[RefuteAnswer], shown: Sequence[Statement], prompt: str
) -> Refutation:
    """Return the attempt. An answer that names a statement that was not shown is unreadable."""
    answer, model = reply.value, reply.model
    if answer is None or answer.same_as > len(shown):
        case = cut(reply.text, chars_max(RefuteAnswer, "case"))
        return Refutation(case=case, holds=None, model=model, prompt=prompt)
    same = shown[answer.same_as - 1] if answer.same_as else None
    return Refutation(
        case=answer.case.strip(),
        holds=answer.verdict == "holds" and same is None,
        same_as=same,
        model=model,
        prompt=prompt,
    )
