"""One judge: a model with the essay's rubric, justification before score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daydream_contracts.events import (
    HypothesisProposed,
    Judgement,
    ModelCall,
    Scores,
    Synthesis,
    derive_id,
)
from daydream_contracts.prompts import judge_variables
from daydream_contracts.text_limits import longest
from daydream_critic.families import family_of
from daydream_models.client import BudgetedModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.parsing import parse_score
from daydream_models.request_spec import RequestSpecs, request_spec_of
from daydream_models.reservations import MINIMAL, StageCost, StagePlan

JUSTIFICATION_CHARS_MAX = 500
JUSTIFICATION_CHARS_MAX_BRIEF = 160
TOKENS_AROUND = 60
TEMPERATURE = 0.2
TEMPERATURE_AGAIN = (
    0.8  # a second opinion that repeats the first one word for word is worth nothing
)
NOTHING = StageCost(fixed_nanousd=0, nanousd_per_fact_byte=0)
RUBRIC = ("novelty", "coherence", "usefulness")


class JudgeAnswer(BaseModel):
    """The answer as it is read."""

    model_config = ConfigDict(extra="ignore")

    justification: str
    novelty: int = Field(ge=1, le=10)
    coherence: int = Field(ge=1, le=10)
    usefulness: int = Field(ge=1, le=10)


def schema(*, brief: bool) -> dict[str, Any]:
    """The JSON schema of the answer."""
    limit = JUSTIFICATION_CHARS_MAX_BRIEF if brief else JUSTIFICATION_CHARS_MAX
    properties: dict[str, Any] = {"justification": {"type": "string", "maxLength": limit}}
    properties |= {name: {"type": "integer", "minimum": 1, "maximum": 10} for name in RUBRIC}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def tokens_max(*, brief: bool) -> int:
    """Most tokens of an answer: in the worst case every character is a token."""
    return (JUSTIFICATION_CHARS_MAX_BRIEF if brief else JUSTIFICATION_CHARS_MAX) + TOKENS_AROUND


def synthesis_bytes_max(synthesis: type[Synthesis]) -> int:
    """Return the most bytes that a synthesis can have in a judge's prompt."""
    return sum(len(text.encode()) for text in judge_variables(longest(synthesis)).values())


@dataclass(frozen=True)
class JudgeSpec:
    """Who a judge is. `family`: of its model; `calls_max`: how often it may be asked about one hypothesis."""

    name: str
    forms: RequestSpecs
    family: str
    calls_max: int = 1

    def key(self, size: str) -> str:
        """Under which its history is kept."""
        return f"{self.name}:{request_spec_of(self.forms, size).prompt.ref.digest[:12]}"


@dataclass(frozen=True)
class Judge(JudgeSpec):
    """Scores hypotheses."""

    model: BudgetedModelClient = field(kw_only=True)

    def plan(self, *, first: bool) -> StagePlan:
        """The most that one hypothesis can cost here: the question and its repair, for each call. Near a cap nobody is asked twice, and nearer still only the
        first judge is asked at all."""
        once = self.model.plan(self.forms)
        reduced = {
            size: cost if first or size != MINIMAL else NOTHING
            for size, cost in once.reduced.items()
        }
        return once.model_copy(
            update={"reduced": reduced, "fixed_nanousd": self.calls_max * once.fixed_nanousd}
        )

    def is_kin(self, proposed: HypothesisProposed) -> bool:
        """Whether a model of its family wrote the hypothesis."""
        return any(family_of(call.model) == self.family for call in proposed.calls)

    async def judge(
        self, proposed: HypothesisProposed, synthesis: Synthesis, call: int = 0
    ) -> tuple[Judgement, tuple[ModelCall, ...]]:
        """The judgement, without scores if the answer could not be read, and the calls that it took. `call`: its first opinion, its second, …"""
        form = request_spec_of(self.forms, proposed.pair.plan)
        question = ModelRequest(
            key=derive_id(
                "judgement", proposed.hypothesis_id, self.name, *([call] if call else [])
            ),
            reservation_id=proposed.pair.reservation_id,
            prompt=form.prompt,
            messages=form.prompt.fill(**judge_variables(synthesis)),
            output_tokens_max=form.output_tokens_max,
            temperature=TEMPERATURE if not call else TEMPERATURE_AGAIN,
            repair=form.repair,
        )
        reply = await self.model.request(question, JudgeAnswer)
        judgement = Judgement(
            judge=self.name,
            model=reply.calls[-1].model,
            justification=(reply.value.justification if reply.value else reply.text)[:4000].strip(),
            scores=Scores(**reply.value.model_dump(include=set(RUBRIC)))
            if reply.value
            else read_free_text(reply.text),
            self_judged=self.is_kin(proposed),
            expected=sum(reply.expected[name] for name in RUBRIC) / len(RUBRIC)
            if reply.value and set(RUBRIC) <= set(reply.expected)
            else None,
            call=call,
            prompt=form.prompt.ref.digest,
            cost_nanousd=sum(one.cost_nanousd for one in reply.calls),
        )
        return judgement, reply.calls


def read_free_text(text: str) -> Scores | None:
    """The three scores from an evaluation in prose; None unless each is there for certain and a whole number."""
    found = {name: parse_score(text, name) for name in RUBRIC}
    if any(value is None or value != int(value) or value < 1 for value in found.values()):
        return None
    return Scores(**{name: int(value) for name, value in found.items() if value is not None})
