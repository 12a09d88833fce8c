"""The one-fact control: what each fact suggests to the model that has not seen the hypothesis.

If a fact alone suggests the hypothesis, the pair was no bridge.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from daydream_contracts.events import Fact, HypothesisProposed, ModelCall, Statement, derive_id
from daydream_contracts.prompt_variables import STATEMENT_BYTES_MAX, single_fact_variables
from daydream_contracts.text_limits import truncate
from daydream_models.answer import AnswerModel
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.request_spec import RequestSpec

PROMPT = "alone.v1.md"
PLACEHOLDERS = frozenset({"fact"})
HYPOTHESES = 2
TEMPERATURE = 0.8
SOURCE = "alone"  # of a statement that came from one fact


Suggestion = Annotated[str, Field(max_length=300)]


class AloneAnswer(AnswerModel):
    """The answer that is asked for: two hypotheses. One is accepted."""

    hypotheses: list[Suggestion] = Field(
        min_length=1, max_length=HYPOTHESES, json_schema_extra={"minItems": HYPOTHESES}
    )


async def suggest(
    model: ModelClient, spec: RequestSpec, proposed: HypothesisProposed, fact: Fact
) -> tuple[tuple[Statement, ...], tuple[ModelCall, ...]]:
    """Return what a fact of the pair suggests alone, and the calls.

    An unreadable answer gives none.
    """
    request = ModelRequest(
        key=derive_id("alone", proposed.message_id, fact.fact_id, model.settings.name),
        reservation_id=proposed.pair.reservation_id,
        prompt=spec.prompt,
        messages=spec.prompt.fill(**single_fact_variables(fact)),
        output_tokens_max=spec.output_tokens_max,
        temperature=TEMPERATURE,
        repair=spec.repair,
    )
    reply = await model.request(request, AloneAnswer)
    texts = reply.value.hypotheses if reply.value else []
    statements = tuple(
        Statement(kind=SOURCE, id=fact.fact_id, text=truncate(text, STATEMENT_BYTES_MAX))
        for text in texts
        if text.strip()
    )
    return statements, reply.calls
