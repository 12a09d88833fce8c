"""The one-fact control: what the oracle makes of each fact alone, without having seen the hypothesis. If that is the hypothesis, there was no bridge."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daydream_contracts.events import Fact, HypothesisProposed, ModelCall, Statement, derive_id
from daydream_contracts.prompts import STATEMENT_BYTES_MAX, single_fact_variables
from daydream_contracts.text_limits import truncate
from daydream_models.client import BudgetedModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.request_spec import RequestSpec

PROMPT = "alone.v1.md"
PLACEHOLDERS = frozenset({"fact"})
COUNT = 2
CHARS_MAX = 300
TOKENS_MAX = COUNT * (CHARS_MAX + 10) + 30
TEMPERATURE = 0.8


class AloneAnswer(BaseModel):
    """The answer as it is read."""

    model_config = ConfigDict(extra="ignore")

    hypotheses: list[str] = Field(min_length=1)


def schema() -> dict[str, Any]:
    """The JSON schema of the answer."""
    hypotheses = {
        "type": "array",
        "items": {"type": "string", "maxLength": CHARS_MAX},
        "minItems": COUNT,
        "maxItems": COUNT,
    }
    return {
        "type": "object",
        "properties": {"hypotheses": hypotheses},
        "required": ["hypotheses"],
        "additionalProperties": False,
    }


async def alone(
    model: BudgetedModelClient, form: RequestSpec, proposed: HypothesisProposed, fact: Fact
) -> tuple[tuple[Statement, ...], tuple[ModelCall, ...]]:
    """What a fact of the pair suggests by itself; nothing where the answer can't be read."""
    question = ModelRequest(
        key=derive_id("alone", proposed.message_id, fact.fact_id, model.settings.name),
        reservation_id=proposed.pair.reservation_id,
        prompt=form.prompt,
        messages=form.prompt.fill(**single_fact_variables(fact)),
        output_tokens_max=form.output_tokens_max,
        temperature=TEMPERATURE,
        repair=form.repair,
    )
    reply = await model.request(question, AloneAnswer)
    texts = reply.value.hypotheses[:COUNT] if reply.value else []
    statements = tuple(
        Statement(what="alone", id=fact.fact_id, text=truncate(text, STATEMENT_BYTES_MAX))
        for text in texts
        if text.strip()
    )
    return statements, reply.calls
