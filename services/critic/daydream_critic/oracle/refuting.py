"""One attempt to refute a hypothesis: the strongest case against it, what says the same already, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from daydream_contracts.events import (
    HypothesisProposed,
    ModelCall,
    Refutation,
    Statement,
    Synthesis,
    derive_id,
)
from daydream_contracts.prompts import order_statements, refute_variables
from daydream_models.client import BudgetedModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.prompt import digest_of
from daydream_models.request_spec import RequestSpec

PROMPT = "refute.v1.md"
PLACEHOLDERS = frozenset(
    {"hypothesis", "reasoning", "implication", "first", "second", "statements"}
)
CASE_CHARS_MAX = 500
CASE_CHARS_MAX_BRIEF = 200
TOKENS_AROUND = 40
TEMPERATURE = 0.2
TEMPERATURE_AGAIN = 0.8  # an attempt that repeats the one before word for word is worth nothing
NUMBER_MAX = 99


class RefuteAnswer(BaseModel):
    """The answer as it is read."""

    model_config = ConfigDict(extra="ignore")

    case: str
    same_as: int = Field(ge=0, le=NUMBER_MAX)
    verdict: Literal["holds", "refuted"]


def schema(*, brief: bool) -> dict[str, Any]:
    """The JSON schema of the answer."""
    properties: dict[str, Any] = {
        "case": {"type": "string", "maxLength": CASE_CHARS_MAX_BRIEF if brief else CASE_CHARS_MAX},
        "same_as": {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX},
        "verdict": {"type": "string", "enum": ["holds", "refuted"]},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def tokens_max(*, brief: bool) -> int:
    """Most tokens of an answer: in the worst case every character is a token."""
    return (CASE_CHARS_MAX_BRIEF if brief else CASE_CHARS_MAX) + TOKENS_AROUND


async def refute(
    model: BudgetedModelClient,
    form: RequestSpec,
    proposed: HypothesisProposed,
    synthesis: Synthesis,
    statements: Sequence[Statement],
    attempt: int,
) -> tuple[Refutation, tuple[ModelCall, ...]]:
    """The `attempt`-th attempt. An answer that names a statement that isn't there can't be read."""
    messages = form.prompt.fill(**refute_variables(proposed.pair, synthesis, statements, attempt))
    question = ModelRequest(
        key=derive_id(
            "refutation", proposed.message_id, model.settings.name, attempt, digest_of(messages)
        ),
        reservation_id=proposed.pair.reservation_id,
        prompt=form.prompt,
        messages=messages,
        output_tokens_max=form.output_tokens_max,
        temperature=TEMPERATURE_AGAIN if attempt else TEMPERATURE,
        repair=form.repair,
    )
    reply = await model.request(question, RefuteAnswer)
    answer, shown = reply.value, order_statements(statements, attempt)
    common = {"model": reply.calls[-1].model, "prompt": form.prompt.ref.digest}
    if answer is None or answer.same_as > len(shown):
        return Refutation(case=reply.text[:CASE_CHARS_MAX], holds=None, **common), reply.calls
    same = shown[answer.same_as - 1] if answer.same_as else None
    return Refutation(
        case=answer.case[:4000].strip(),
        holds=answer.verdict == "holds" and same is None,
        same_as=same,
        **common,
    ), reply.calls
