"""Compare hypotheses near the promotion threshold with judged ones: which of two is better?

Hypothesis with its log-odds → judged hypotheses near the threshold, nearest first, with texts from
memory → each is compared in both orders → a rating without the judge's position bias
(`bradley_terry`). This stops as soon as the rating is clearly on one side of the threshold.

A judged hypothesis is shown only to a model that may see it next to this pair: never one of another
team, never one with a clearance that this pair does not have. An unreadable answer is left out and
not asked for again. The verdict holds neither the other texts nor what was said about them, so an
erasure need not look for them there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import Field

from daydream_contracts.access import may_appear_with
from daydream_contracts.events import (
    Aggregation,
    Comparison,
    HypothesisProposed,
    ModelCall,
    derive_id,
)
from daydream_contracts.prompt_variables import COMPARED_CHARS_MAX, compare_variables
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.topology import MEMORY_VERDICTS
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import ReferenceHypothesis
from daydream_critic.pipeline.decision_context import DecisionContext
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.stats.bradley_terry import rate_against
from daydream_models.answer import AnswerModel
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelRequest
from daydream_models.prompt import load_prompt
from daydream_models.request_spec import RequestSpec
from daydream_models.stage_plans import FULL
from daydream_runtime.rpc import RpcClient

PACKAGE = "daydream_critic"
PROMPT = "compare.v1.md"
PLACEHOLDERS = frozenset({"first", "second"})
TEMPERATURE = 0.2
SURE_ERRORS = 1.64  # standard errors from the threshold: 95 % on that side
REFERENCES_MAX = 10  # texts asked from memory, of which some may be gone
MANY_CALLS = 8  # of every judge: about all that the judges could still say
SPREAD_MIN = 0.5  # log-odds


class CompareAnswer(AnswerModel):
    """The answer that a comparing model is asked for."""

    justification: str = Field(max_length=160)
    better: Literal["first", "second"]


def compare_request() -> RequestSpec:
    """Return how a model is asked to compare two hypotheses."""
    schema = CompareAnswer.json_schema()
    prompt = load_prompt(PACKAGE, PROMPT, "", schema, PLACEHOLDERS)
    return RequestSpec(
        prompt, CompareAnswer.tokens_max(), text_bytes_max=2 * 4 * COMPARED_CHARS_MAX, repair=False
    )


@dataclass(frozen=True)
class ComparingJudge:
    """A judge that can compare: its name in verdicts, and its model."""

    name: str
    model: ModelClient


@dataclass(frozen=True)
class RatingEstimate:
    """The log-odds of a hypothesis and their standard error."""

    mean: float
    error: float

    def is_clear_of(self, threshold: float) -> bool:
        """Return whether the rating is almost certainly on one side of the threshold."""
        return abs(self.mean - threshold) > SURE_ERRORS * self.error

    def after(self, comparisons: Sequence[Comparison], position_bias: float) -> RatingEstimate:
        """Return the rating after these comparisons."""
        mean, error = rate_against(
            self.mean,
            self.error,
            np.array([comparison.other_log_odds for comparison in comparisons]),
            np.array([comparison.shown_first for comparison in comparisons], bool),
            np.array([comparison.won for comparison in comparisons], bool),
            position_bias,
        )
        return RatingEstimate(mean, error)


@dataclass(frozen=True)
class PairwiseComparer:
    """Compares a hypothesis with at most `references_max` judged ones."""

    request: RequestSpec
    rpc: RpcClient
    references_max: int
    history: Callable[[], CriticHistory]

    async def compare(self, evaluation: Evaluation) -> Evaluation:
        """Compare a hypothesis that is too near the threshold, with as few comparisons as needed.

        Leave all others as they are, and those of reduced plans. The last judge that is a model
        compares.
        """
        context, aggregation = evaluation.context, evaluation.aggregation
        if context is None or aggregation is None or not is_undecided(aggregation):
            return evaluation
        judge = _comparing_judge(context)
        if judge is None or evaluation.proposed.pair.plan != FULL or not aggregation.votes:
            return evaluation
        start = _start(context, evaluation)
        rating, position_bias = start, self.history().position_bias(judge.name)
        for reference, text in await self._references(evaluation.proposed, context.threshold):
            if rating.is_clear_of(context.threshold):
                break
            evaluation = await self._compare_both_orders(judge, evaluation, reference, text)
            rating = start.after(evaluation.comparisons, position_bias)
        if not evaluation.comparisons:
            return evaluation
        rated = aggregation.model_copy(update={"rating": rating.mean, "rating_error": rating.error})
        return replace(evaluation, aggregation=rated)

    async def _references(
        self, proposed: HypothesisProposed, threshold: float
    ) -> list[tuple[ReferenceHypothesis, str]]:
        """Return judged hypotheses near the threshold with their texts."""
        references = [
            reference
            for reference in self.history().nearest_references(threshold)
            if reference.hypothesis_id != proposed.hypothesis_id
            and _may_be_shown(reference, proposed)
        ][:REFERENCES_MAX]
        if not references:
            return []
        verdict_ids = tuple(reference.verdict_id for reference in references)
        page: VerdictPage = await self.rpc.request(
            MEMORY_VERDICTS, ListVerdicts(verdict_ids=verdict_ids)
        )
        syntheses = {verdict.verdict_id: verdict.hypothesis.synthesis for verdict in page.verdicts}
        with_texts = [
            (reference, compare_variables(synthesis))
            for reference in references
            if (synthesis := syntheses.get(reference.verdict_id)) is not None
        ]
        return with_texts[: self.references_max]

    async def _compare_both_orders(
        self,
        judge: ComparingJudge,
        evaluation: Evaluation,
        reference: ReferenceHypothesis,
        text: str,
    ) -> Evaluation:
        for shown_first in (True, False):
            won, calls = await self.ask(judge, evaluation, reference, text, shown_first=shown_first)
            evaluation = replace(evaluation, calls=(*evaluation.calls, *calls))
            if won is None:
                continue
            comparison = Comparison(
                judge=judge.name,
                other_verdict_id=reference.verdict_id,
                other_log_odds=reference.log_odds,
                shown_first=shown_first,
                won=won,
            )
            evaluation = replace(evaluation, comparisons=(*evaluation.comparisons, comparison))
        return evaluation

    async def ask(
        self,
        judge: ComparingJudge,
        evaluation: Evaluation,
        reference: ReferenceHypothesis,
        text: str,
        *,
        shown_first: bool,
    ) -> tuple[bool | None, tuple[ModelCall, ...]]:
        """Return whether the hypothesis is better than the reference, and the calls.

        None means that the answer was unreadable. The calls are without the answer's text.
        """
        proposed, own = evaluation.proposed, compare_variables(evaluation.synthesis)
        first, second = (own, text) if shown_first else (text, own)
        ids = (proposed.hypothesis_id, reference.hypothesis_id, judge.name, str(shown_first))
        request = ModelRequest(
            key=derive_id("comparison", *ids),
            reservation_id=proposed.pair.reservation_id,
            prompt=self.request.prompt,
            messages=self.request.prompt.fill(first=first, second=second),
            output_tokens_max=self.request.output_tokens_max,
            temperature=TEMPERATURE,
            repair=False,
        )
        reply = await judge.model.request(request, CompareAnswer)
        calls = tuple(call.model_copy(update={"answer": ""}) for call in reply.calls)
        if reply.value is None:
            return None, calls
        return (reply.value.better == "first") == shown_first, calls


def is_undecided(aggregation: Aggregation) -> bool:
    """Return whether the log-odds are too near the threshold to be decided by them alone."""
    low, high = aggregation.undecided_from, aggregation.undecided_to
    if low is None or high is None or aggregation.log_odds is None:
        return False
    return low < aggregation.log_odds <= high


def _comparing_judge(context: DecisionContext) -> ComparingJudge | None:
    for judge in reversed(context.judges):
        if judge.model is not None:
            return ComparingJudge(judge.name, judge.model)
    return None


def _start(context: DecisionContext, evaluation: Evaluation) -> RatingEstimate:
    """Return the log-odds, and how far they could still move if every judge was asked often."""
    model, calls = context.model, context.calls(evaluation.judgements)
    asked_often = model.weigh((MANY_CALLS,) * len(context.judges)).deflection
    variance = max(asked_often - model.weigh(calls).deflection, SPREAD_MIN**2)
    return RatingEstimate(context.log_odds(evaluation.judgements), variance**0.5)


def _may_be_shown(reference: ReferenceHypothesis, proposed: HypothesisProposed) -> bool:
    facts = (proposed.pair.first, proposed.pair.second)
    return may_appear_with(reference.team, reference.clearances, facts)
