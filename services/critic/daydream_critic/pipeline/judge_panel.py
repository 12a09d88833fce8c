"""The judge panel: which judges are asked about a hypothesis, in which order, and how often.

States: each judge is asked once → further opinions, as long as the best plan of calls has one
(`sequential_plan`) → the answers are weighed (`DecisionContext`). As soon as canaries have shown
how good each judge is, even a first opinion is bought only where it is worth its price.

No judge evaluates what its own family wrote, unless there is no other judge. Then the judgements
say so. A judge whose answer is unreadable has no vote and is not asked again. Nothing is judged
before the judges are calibrated on canaries (`calibration`), so scores are ranks from the first
verdict on, and the best hypotheses are promoted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from daydream_contracts.events import HypothesisProposed
from daydream_critic.families import is_related
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.records import scores_by_judge
from daydream_critic.pipeline.decision_context import DecisionContext
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.judges.interface import Judge
from daydream_critic.settings import CriticSettings
from daydream_critic.stats.aggregation import Calls
from daydream_critic.stats.score_ranks import ScoreRanks
from daydream_critic.stats.sequential_plan import SequentialPlan
from daydream_models.stage_plans import FULL, MINIMAL

SNAPSHOT_HYPOTHESES = 25  # a snapshot of the judges holds for this many hypotheses at most
SNAPSHOT_HYPOTHESES_MIN = 5  # at the start, when each hypothesis changes much
SNAPSHOT_GROWTH = 4
UNDECIDED_QUOTA_MAX = 0.99


async def _at_once() -> None:
    """Wait for nothing."""


@dataclass(frozen=True)
class JudgeSnapshot:
    """What was known of some judges when the history had this age, and the plan made from it."""

    age: int
    measured: bool
    ranks: Sequence[ScoreRanks]
    sequential_plan: SequentialPlan

    def is_current(self, age: int, *, measured: bool) -> bool:
        """Return whether it holds for a history of this age."""
        lifetime = SNAPSHOT_HYPOTHESES_MIN + self.age // SNAPSHOT_GROWTH
        return self.measured == measured and age < self.age + min(SNAPSHOT_HYPOTHESES, lifetime)


@dataclass
class JudgePanel:
    """Asks judges about hypotheses.

    `calibrated_history` returns what is known of them now. `calibrated` waits until they are
    calibrated.
    """

    judges: Sequence[Judge]
    calibrated_history: Callable[[], CalibratedHistory]
    settings: CriticSettings
    calibrated: Callable[[], Awaitable[None]] = _at_once
    _snapshots: dict[tuple[tuple[str, ...], Calls], JudgeSnapshot] = field(default_factory=dict)

    async def evaluate(self, evaluation: Evaluation) -> Evaluation:
        """Ask the judges, and add their judgements and the context that these are weighed in.

        The context stays None if scores are to be taken as they are.
        """
        judges = self.eligible_judges(evaluation.proposed)
        if self.settings.promote_by == "score":
            for judge in judges:
                evaluation = await _ask(judge, evaluation)
            return evaluation
        await self.calibrated()
        if self._asks_all(judges, evaluation.proposed):
            for judge in judges:
                evaluation = await _ask(judge, evaluation)
            readable = scores_by_judge(evaluation.judgements)
            judges = tuple(judge for judge in judges if judge.name in readable)
            if not judges:
                return evaluation
        context = self._context(judges, evaluation.proposed)
        return await _ask_by_sequential_plan(context, replace(evaluation, context=context))

    def eligible_judges(self, proposed: HypothesisProposed) -> tuple[Judge, ...]:
        """Return the judges that may be asked about a hypothesis, in the order of the panel.

        These are the judges that it names, or all. Judges of the writer's family are left out if
        there are others. The minimal plan has one judge.
        """
        judges = tuple(self.judges)
        named = tuple(judge for judge in judges if judge.name in proposed.judges) or judges
        unrelated = tuple(judge for judge in named if not is_related(judge.family, proposed))
        eligible = unrelated or named
        return eligible[:1] if proposed.pair.plan == MINIMAL else eligible

    def _asks_all(self, judges: Sequence[Judge], proposed: HypothesisProposed) -> bool:
        """Return whether each judge is asked once, whatever its opinion is worth."""
        measured = self.calibrated_history().is_measured(_history_keys(judges, proposed))
        return bool(proposed.pair.canary) or proposed.pair.plan != FULL or not measured

    def _context(self, judges: Sequence[Judge], proposed: HypothesisProposed) -> DecisionContext:
        history, settings = self.calibrated_history().history, self.settings
        full = proposed.pair.plan == FULL
        calls_max = tuple(judge.calls_max if full else 1 for judge in judges)
        snapshot = self._judge_snapshot(_history_keys(judges, proposed), calls_max)
        model = snapshot.sequential_plan.model
        quota = history.quota_threshold(settings.promote_quota)
        certified = history.certified_threshold(settings.target_precision)
        undecided_quota = min(UNDECIDED_QUOTA_MAX, 2 * quota.quota)
        return DecisionContext(
            judges=judges,
            ranks=snapshot.ranks,
            sequential_plan=snapshot.sequential_plan,
            rule="quota" if certified is None else "precision",
            prior=quota.prior,
            threshold=quota.value(model) if certified is None else certified.threshold,
            undecided_from=quota.at(undecided_quota, model),
            undecided_to=(
                quota.at(quota.quota / 2, model) if certified is None else certified.threshold
            ),
        )

    def _judge_snapshot(self, keys: tuple[str, ...], calls_max: Calls) -> JudgeSnapshot:
        """Return what is known of these judges.

        A snapshot is used for a while: the history changes slowly, and a plan takes long to
        compute.
        """
        calibrated_history = self.calibrated_history()
        age, measured = calibrated_history.history.age, calibrated_history.is_measured(keys)
        snapshot = self._snapshots.get((keys, calls_max))
        if snapshot is not None and snapshot.is_current(age, measured=measured):
            return snapshot
        usd = tuple(calibrated_history.usd_per_answer(key) for key in keys)
        model = calibrated_history.aggregation_model(keys)
        plan = SequentialPlan(model, usd, calls_max, self.settings.usd_per_hit_max)
        ranks = [calibrated_history.score_ranks(key) for key in keys]
        snapshot = JudgeSnapshot(age, measured, ranks, plan)
        self._snapshots[keys, calls_max] = snapshot
        return snapshot


def _history_keys(judges: Sequence[Judge], proposed: HypothesisProposed) -> tuple[str, ...]:
    return tuple(judge.history_key(proposed.pair.plan) for judge in judges)


async def _ask_by_sequential_plan(context: DecisionContext, evaluation: Evaluation) -> Evaluation:
    """Ask the judges that the plan chooses until it stops.

    One unreadable answer excludes a judge.
    """
    plan = context.sequential_plan
    while True:
        judgements = evaluation.judgements
        calls, log_odds = context.calls(judgements), context.log_odds(judgements)
        chosen = plan.next(calls, log_odds, context.threshold)
        if chosen is None:
            return evaluation
        evaluation = await _ask(context.judges[chosen], evaluation)
        if evaluation.judgements[-1].scores is None:
            plan = plan.without(chosen, calls)


async def _ask(judge: Judge, evaluation: Evaluation) -> Evaluation:
    call = sum(judgement.judge == judge.name for judgement in evaluation.judgements)
    opinion = await judge.judge(evaluation.proposed, evaluation.synthesis, call)
    return evaluation.with_opinion(opinion)
