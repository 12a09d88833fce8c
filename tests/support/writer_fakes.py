"""A writer whose model always finds the same link, and verdicts on what writers proposed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from daydream_contracts.events import (
    Decision,
    Judgement,
    LinkKind,
    ModelCall,
    PromptRef,
    VerdictReached,
)
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpecs
from daydream_models.stage_plans import FULL, StageCost, StagePlan
from support.message_builders import AT, SYNTHESIS, hypothesis


@dataclass
class FakeWriter:
    """A model that always finds the same link."""

    name: str = "gpt-5-mini"
    fixed: int = 100
    per_byte: int = 1
    clearance: str = ""
    requests: list[ModelRequest] = field(default_factory=list)

    async def request(self, request: ModelRequest, answer: type[Any]) -> ModelReply[Any]:
        """Return the same analogy for every request."""
        self.requests.append(request)
        call = ModelCall(
            call_id=request.key,
            model=f"{self.name}-2026",
            prompt=PromptRef(name="p", digest="d"),
            input_tokens=1,
            output_tokens=1,
            cost_nanousd=1,
        )
        value = answer(
            reasoning="so", link=LinkKind.ANALOGY, title="t", hypothesis="h", implication="i"
        )
        return ModelReply(value, "", (call,))

    def plan(self, specs: RequestSpecs) -> StagePlan:
        """Return a plan whose reduced sizes have half of the fixed cost."""
        half = StageCost(fixed_nanousd=self.fixed // 2, nanousd_per_fact_byte=self.per_byte)
        return StagePlan(
            stage="synthesizer",
            model=self.name,
            clearance=self.clearance,
            fixed_nanousd=self.fixed,
            nanousd_per_fact_byte=self.per_byte,
            reduced={size: half for size in specs if size != FULL},
        )


def verdict(
    number: int,
    decision: Decision = Decision.DISCARDED,
    writer: str = "gpt-5-mini",
    cost: int = 10**6,
    **fields: Any,
) -> VerdictReached:
    """Return a final verdict on the hypothesis of a writer."""
    synthesis = SYNTHESIS.model_copy(update={"title": f"title {number}"})
    proposed = hypothesis(number, synthesis).model_copy(
        update={"writer": writer, "round": fields.get("round", 1)}
    )
    judgement = Judgement(judge="j", model="m", justification="a score of 9", scores=None)
    return VerdictReached(
        verdict_id=f"v{number}",
        hypothesis=proposed,
        role="critic",
        decision=decision,
        reason="quota",
        explanation="",
        judgements=(judgement,),
        cost_nanousd=cost,
        reached_at=AT,
        **{"round": 1, "final": True, **fields},
    )
