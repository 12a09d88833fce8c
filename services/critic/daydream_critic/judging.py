"""One judge: a model with the essay's rubric, justification before score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from daydream_shared.llm.ask import PaidModel, Question
from daydream_shared.llm.forms import Forms, form_of
from daydream_shared.llm.reading import read_score
from daydream_shared.messages import HypothesisProposed, Judgement, ModelCall, Scores, Synthesis, derive_id
from daydream_shared.money.plans import StagePlan

JUSTIFICATION_CHARS_MAX = 500
JUSTIFICATION_CHARS_MAX_BRIEF = 160
TOKENS_AROUND = 60
TEMPERATURE = 0.2
SYNTHESIS_BYTES_MAX = 4 * 2000  # the synthesizer's longest texts, at four bytes a character
SYNTHESIS_BYTES_MAX_BRIEF = 4 * 720
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
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def tokens_max(*, brief: bool) -> int:
    """Most tokens of an answer: in the worst case every character is a token."""
    return (JUSTIFICATION_CHARS_MAX_BRIEF if brief else JUSTIFICATION_CHARS_MAX) + TOKENS_AROUND


@dataclass(frozen=True)
class Judge:
    """Scores hypotheses."""

    name: str
    model: PaidModel
    forms: Forms

    def plan(self) -> StagePlan:
        """The most that one hypothesis can cost: the question and its repair."""
        return self.model.plan(self.forms)

    async def judge(self, proposed: HypothesisProposed, synthesis: Synthesis) -> tuple[Judgement, tuple[ModelCall, ...]]:
        """The judgement, without scores if the answer could not be read, and the calls that it took."""
        form = form_of(self.forms, proposed.pair.plan)
        question = Question(
            key=derive_id("judgement", proposed.hypothesis_id, self.name), envelope_id=proposed.pair.envelope_id, prompt=form.prompt,
            messages=form.prompt.fill(
                hypothesis=f"{synthesis.title}\n{synthesis.hypothesis}", reasoning=synthesis.reasoning, implication=synthesis.implication
            ),
            output_tokens_max=form.output_tokens_max, temperature=TEMPERATURE, repair=form.repair,
        )  # fmt: skip
        reply = await self.model.ask(question, JudgeAnswer)
        scores = Scores(**reply.value.model_dump(include=set(RUBRIC))) if reply.value else read_free_text(reply.text)
        justification = (reply.value.justification if reply.value else reply.text)[:4000].strip()
        model = reply.calls[-1].model
        self_judged = any(call.model == model for call in proposed.calls)
        return Judgement(judge=self.name, model=model, justification=justification, scores=scores, self_judged=self_judged), reply.calls


def read_free_text(text: str) -> Scores | None:
    """The three scores from an evaluation in prose; None unless each is there for certain and a whole number."""
    found = {name: read_score(text, name) for name in RUBRIC}
    if any(value is None or value != int(value) or value < 1 for value in found.values()):
        return None
    return Scores(**{name: int(value) for name, value in found.items() if value is not None})
