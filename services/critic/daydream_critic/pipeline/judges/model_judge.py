"""A judge that is a language model with a rubric, asked for a justification before the scores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from daydream_contracts.events import (
    HypothesisProposed,
    Judgement,
    Synthesis,
    derive_id,
)
from daydream_contracts.prompt_variables import (
    judge_variables,
    judge_with_facts_variables,
    output_variables,
    several_variables,
)
from daydream_critic.families import is_related
from daydream_critic.history.records import history_key
from daydream_critic.pipeline.judges.answer import (
    RUBRIC,
    JudgeAnswer,
    SeveralAnswer,
    read_free_text,
)
from daydream_critic.pipeline.judges.interface import Opinion
from daydream_critic.pipeline.judges.requests import (
    FACTS_PLACEHOLDERS,
    OUTPUT_PLACEHOLDERS,
    SEVERAL_PLACEHOLDERS,
)
from daydream_critic.pipeline.judges.together import JudgedGroup, group_of
from daydream_models.answer import ProseAnswer
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpec, RequestSpecs, request_spec_of
from daydream_models.stage_plans import MINIMAL, StageCost, StagePlan

TEMPERATURE = 0.2
TEMPERATURE_AGAIN = 0.8  # a second opinion that repeats the first word for word is worth nothing
JUSTIFICATION_CHARS_STORED = 4000
Answer = JudgeAnswer | SeveralAnswer | ProseAnswer
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
    hypotheses_max: int = field(default=1, kw_only=True)

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
        bounds = {
            name: self.calls_max * getattr(one_call, name)
            for name in ("fixed_nanousd", "nanousd_per_fact_byte")
        }
        return one_call.model_copy(update={"reduced": reduced, **bounds})

    def usual_nanousd(self, proposed: HypothesisProposed, synthesis: Synthesis) -> int:
        """Return what this prompt with this hypothesis is expected to cost."""
        spec = request_spec_of(self.requests, proposed.pair.plan)
        group = group_of(proposed, synthesis, 1, 0)
        messages = spec.prompt.fill(**_variables(spec, proposed, group))
        return self.model.usual_nanousd(spec, messages)

    async def judge(
        self, proposed: HypothesisProposed, synthesis: Synthesis, call: int = 0
    ) -> Opinion:
        """Ask the model, and repair an unreadable answer if the plan pays for it.

        The request's key names hypothesis, judge and call, so a stored answer is found again.
        """
        spec = request_spec_of(self.requests, proposed.pair.plan)
        opinion = (str(call),) if call else ()
        takes_several = spec.prompt.placeholders == SEVERAL_PLACEHOLDERS
        count_max = self.hypotheses_max if takes_several else 1
        group = group_of(proposed, synthesis, count_max, call)
        request = ModelRequest(
            key=derive_id("judgement", group.key, self.name, *opinion),
            reservation_id=proposed.pair.reservation_id,
            prompt=spec.prompt,
            messages=spec.prompt.fill(**_variables(spec, proposed, group)),
            output_tokens_max=spec.output_tokens_max,
            temperature=TEMPERATURE_AGAIN if call else TEMPERATURE,
            repair=spec.repair,
        )
        reply = await self.model.request(request, _answer_of(spec))
        reply = replace(reply, calls=group.share_of(reply.calls))
        return Opinion(
            group.placed(self._judgement(proposed, call, spec, reply, group)), reply.calls
        )

    def _judgement(
        self,
        proposed: HypothesisProposed,
        call: int,
        spec: RequestSpec,
        reply: ModelReply[Answer],
        group: JudgedGroup,
    ) -> Judgement:
        answer = _own_answer(reply.value, group)
        justification = reply.text if answer is None else answer.justification
        return Judgement(
            judge=self.name,
            model=reply.model,
            justification=justification[:JUSTIFICATION_CHARS_STORED].strip(),
            scores=read_free_text(reply.text) if answer is None else answer.scores(),
            self_judged=is_related(self.family, proposed),
            expected=_expected_score(reply) if answer is reply.value else None,
            call=call,
            prompt=spec.prompt.ref.digest,
            filtered=reply.filtered[:JUSTIFICATION_CHARS_STORED] or None,
            cost_nanousd=sum(model_call.cost_nanousd for model_call in reply.calls),
        )


def _answer_of(spec: RequestSpec) -> type[Answer]:
    if spec.prompt.placeholders == SEVERAL_PLACEHOLDERS:
        return SeveralAnswer
    return ProseAnswer if spec.prompt.is_prose else JudgeAnswer


def _own_answer(answer: Answer | None, group: JudgedGroup) -> JudgeAnswer | None:
    """Return the answer about one hypothesis; None if it is not there beyond doubt."""
    if isinstance(answer, SeveralAnswer):
        is_complete = len(answer.verdicts) == group.size
        return answer.verdicts[group.place] if is_complete else None
    return answer if isinstance(answer, JudgeAnswer) else None


def _variables(
    spec: RequestSpec, proposed: HypothesisProposed, group: JudgedGroup
) -> dict[str, str]:
    if spec.prompt.placeholders == SEVERAL_PLACEHOLDERS:
        return several_variables(group.syntheses)
    synthesis = group.syntheses[group.place]
    if spec.prompt.placeholders == OUTPUT_PLACEHOLDERS:
        return output_variables(proposed, synthesis)
    if spec.prompt.placeholders == FACTS_PLACEHOLDERS:
        return judge_with_facts_variables(proposed.pair, synthesis)
    return judge_variables(synthesis)


def _expected_score(reply: ModelReply[Answer]) -> float | None:
    """Return the mean of the expected scores, where the server gave all token probabilities."""
    if not set(RUBRIC) <= set(reply.expected):
        return None
    return sum(reply.expected[name] for name in RUBRIC) / len(RUBRIC)
