"""A judge that is a language model with a rubric, asked for a justification before the scores."""

from __future__ import annotations

from dataclasses import dataclass, field

from daydream_contracts.events import (
    HypothesisProposed,
    Judgement,
    Synthesis,
    derive_id,
)
from daydream_contracts.prompt_variables import judge_variables, output_variables
from daydream_critic.families import is_related
from daydream_critic.history.records import history_key
from daydream_critic.pipeline.judges.answer import RUBRIC, JudgeAnswer, read_free_text
from daydream_critic.pipeline.judges.interface import Opinion
from daydream_critic.pipeline.judges.requests import OUTPUT_PLACEHOLDERS
from daydream_models.answer import ProseAnswer
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpec, RequestSpecs, request_spec_of
from daydream_models.reservations import MINIMAL, StageCost, StagePlan

TEMPERATURE = 0.2
TEMPERATURE_AGAIN = 0.8  # a second opinion that repeats the first word for word is worth nothing
JUSTIFICATION_CHARS_STORED = 4000
FREE = StageCost(fixed_nanousd=0, nanousd_per_fact_byte=0)


@dataclass(frozen=True)
class JudgeSpec:
    """A judge without its model: its requests by size of a plan, and how often it may be asked."""

    name: str
    requests: RequestSpecs
    family: str
    calls_max: int = 1

    def history_key(self, size: str) -> str:
        """Return the key of its history. Another prompt text begins a new one."""
        return history_key(self.name, request_spec_of(self.requests, size).prompt.ref.digest)


@dataclass(frozen=True)
class ModelJudge(JudgeSpec):
    """Scores hypotheses with a model."""

    model: ModelClient = field(kw_only=True)

    def plan(self, *, first: bool) -> StagePlan:
        """Return the maximum cost of one hypothesis: each call with its repair.

        Reduced plans ask no judge twice, and the minimal one asks the first judge only.
        """
        one_call = self.model.plan(self.requests)
        reduced = {
            size: cost if first or size != MINIMAL else FREE
            for size, cost in one_call.reduced.items()
        }
        # A second opinion is the exception, so it is in the bound and not in what is expected.
        fixed_nanousd = self.calls_max * one_call.fixed_nanousd
        return one_call.model_copy(update={"reduced": reduced, "fixed_nanousd": fixed_nanousd})

    async def judge(
        self, proposed: HypothesisProposed, synthesis: Synthesis, call: int = 0
    ) -> Opinion:
        """Ask the model, and repair an unreadable answer if the plan pays for it.

        The request's key names hypothesis, judge and call, so a stored answer is found again.
        """
        spec = request_spec_of(self.requests, proposed.pair.plan)
        opinion = (str(call),) if call else ()
        request = ModelRequest(
            key=derive_id("judgement", proposed.hypothesis_id, self.name, *opinion),
            reservation_id=proposed.pair.reservation_id,
            prompt=spec.prompt,
            messages=spec.prompt.fill(**_variables(spec, proposed, synthesis)),
            output_tokens_max=spec.output_tokens_max,
            temperature=TEMPERATURE_AGAIN if call else TEMPERATURE,
            repair=spec.repair,
        )
        reply = await self.model.request(request, _answer_of(spec))
        return Opinion(self._judgement(proposed, call, spec, reply), reply.calls)

    def _judgement(
        self,
        proposed: HypothesisProposed,
        call: int,
        spec: RequestSpec,
        reply: ModelReply[JudgeAnswer | ProseAnswer],
    ) -> Judgement:
        answer = reply.value if isinstance(reply.value, JudgeAnswer) else None
        justification = reply.text if answer is None else answer.justification
        return Judgement(
            judge=self.name,
            model=reply.model,
            justification=justification[:JUSTIFICATION_CHARS_STORED].strip(),
            scores=read_free_text(reply.text) if answer is None else answer.scores(),
            self_judged=is_related(self.family, proposed),
            expected=None if answer is None else _expected_score(reply),
            call=call,
            prompt=spec.prompt.ref.digest,
            filtered=reply.filtered[:JUSTIFICATION_CHARS_STORED] or None,
            cost_nanousd=sum(model_call.cost_nanousd for model_call in reply.calls),
        )


def _answer_of(spec: RequestSpec) -> type[JudgeAnswer] | type[ProseAnswer]:
    return ProseAnswer if spec.prompt.is_prose else JudgeAnswer


def _variables(
    spec: RequestSpec, proposed: HypothesisProposed, synthesis: Synthesis
) -> dict[str, str]:
    if spec.prompt.placeholders == OUTPUT_PLACEHOLDERS:
        return output_variables(proposed, synthesis)
    return judge_variables(synthesis)


def _expected_score(reply: ModelReply[JudgeAnswer | ProseAnswer]) -> float | None:
    """Return the mean of the expected scores, where the server gave all token probabilities."""
    if not set(RUBRIC) <= set(reply.expected):
        return None
    return sum(reply.expected[name] for name in RUBRIC) / len(RUBRIC)
