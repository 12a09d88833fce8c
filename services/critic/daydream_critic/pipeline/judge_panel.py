"""The judges of one hypothesis: who is asked, in which order, how often, and what comes out.

States: each judge is asked once → a second opinion, as long as the best plan of calls has one (`cascade`) → clearly above or below the line, or deferred:
compared with its neighbours there (`comparing`) → decided. What is clear: among the best half of what is promoted, or outside twice as much. As soon as
planted hypotheses have shown how good each judge is, even a first opinion is asked for only where it is worth its price.
Nobody judges what its own family wrote, unless there is nobody else; then the judgements say so. A judge whose answer can't be read has no vote and is
not asked again. Until every judge that is asked has a history, its scores are taken as they are; from then on they are ranks, and the best are promoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daydream_contracts.events import Aggregation, HypothesisProposed, Synthesis
from daydream_critic.history.projection import CriticHistory
from daydream_critic.history.records import means
from daydream_critic.pipeline.comparison import PairwiseComparer, RatingEstimate
from daydream_critic.pipeline.evaluation import DecisionContext, Evaluation, is_deferred
from daydream_critic.pipeline.judge import Judge
from daydream_critic.settings import CriticSettings
from daydream_critic.stats.aggregation import Calls
from daydream_critic.stats.score_ranks import ScoreRanks
from daydream_critic.stats.sequential_plan import SequentialPlan
from daydream_models.reservations import FULL, MINIMAL
from daydream_runtime.projection import Projector

CALLS_OF_ALL = 8
SPREAD_MIN = 0.5  # log-odds
KNOWN_FOR = 25  # hypotheses, until what is known of the judges is worked out anew


@dataclass(frozen=True)
class JudgeSnapshot:
    """What was known of some judges when so many hypotheses had been judged, `measured` or not; the plans made of it are kept with it."""

    age: int
    measured: bool
    ranks: Sequence[ScoreRanks]
    cascade: SequentialPlan


class JudgePanel:
    """Hears judges."""

    def __init__(
        self,
        judges: Sequence[Judge],
        following: Projector[CriticHistory],
        settings: CriticSettings,
        comparing: PairwiseComparer | None = None,
    ) -> None:
        """`comparing`: None where nothing is compared. The last judge of a hypothesis compares."""
        self._judges = tuple(judges)
        self._following = following
        self._settings = settings
        self._comparing = comparing
        self._known: dict[tuple[tuple[str, ...], Calls], JudgeSnapshot] = {}

    async def hear(
        self, proposed: HypothesisProposed, synthesis: Synthesis
    ) -> tuple[Evaluation, Aggregation]:
        """What the judges say, and how it is weighed."""
        experience, judges, size = self._following.fold, self.asked(proposed), proposed.pair.plan
        hearing = Evaluation()
        if (
            proposed.pair.canary
            or size != FULL
            or not experience.measured([judge.key(size) for judge in judges])
        ):
            for judge in judges:
                await _ask(judge, hearing, proposed, synthesis)
            judges = tuple(judge for judge in judges if judge.name in means(hearing.judgements))
            if not judges or not experience.warm([judge.key(size) for judge in judges]):
                return hearing, Aggregation(rule="score")
        bench = self._bench(judges, proposed, experience)
        while (at := bench.next(hearing)) is not None:
            if not await _ask(judges[at], hearing, proposed, synthesis):
                bench.cascade = bench.cascade.without(at, bench.calls(hearing))
        aggregation = bench.aggregation(hearing)
        if (
            self._comparing is None
            or size != FULL
            or not aggregation.votes
            or not is_deferred(aggregation)
        ):
            return hearing, aggregation
        return hearing, await self._compared(
            self._comparing, judges[-1], proposed, hearing, aggregation, bench
        )

    def _bench(
        self, judges: Sequence[Judge], proposed: HypothesisProposed, experience: CriticHistory
    ) -> DecisionContext:
        size, settings = proposed.pair.plan, self._settings
        keys = [judge.key(size) for judge in judges]
        known = self._what_is_known(
            keys, tuple(judge.calls_max if size == FULL else 1 for judge in judges), experience
        )
        panel, line, certified = (
            known.cascade.panel,
            experience.line(settings.promote_quota),
            experience.certified(settings.target_precision),
        )
        target = line.value(panel) if certified is None else certified.threshold
        return DecisionContext(
            [judge.name for judge in judges],
            known.ranks,
            known.cascade,
            "quota" if certified is None else "precision",
            line.prior,
            target,
            line.at(min(0.99, 2 * line.quota), panel),
            line.at(line.quota / 2, panel) if certified is None else target,
        )

    def _what_is_known(
        self, keys: Sequence[str], calls_max: Calls, experience: CriticHistory
    ) -> JudgeSnapshot:
        """Of these judges. It changes slowly, and a plan of calls takes long to make, so it holds for some hypotheses."""
        judges = tuple(keys), calls_max
        known, measured = self._known.get(judges), experience.measured(keys)
        if known is None or experience.age >= known.age + KNOWN_FOR or measured != known.measured:
            cascade = SequentialPlan(
                experience.panel(keys),
                tuple(experience.usd(key) for key in keys),
                calls_max,
                self._settings.usd_per_hit_max,
            )
            known = self._known[judges] = JudgeSnapshot(
                experience.age, measured, [experience.ranks(key) for key in keys], cascade
            )
        return known

    async def _compared(
        self,
        comparing: PairwiseComparer,
        judge: Judge,
        proposed: HypothesisProposed,
        hearing: Evaluation,
        aggregation: Aggregation,
        bench: DecisionContext,
    ) -> Aggregation:
        """How far it could still move is how far it would if every judge were asked very often."""
        assert aggregation.log_odds is not None
        assert aggregation.threshold is not None
        panel = bench.cascade.panel
        now, most = (
            panel.evidence(bench.calls(hearing)).deflection,
            panel.evidence((CALLS_OF_ALL,) * len(bench.names)).deflection,
        )
        start = RatingEstimate(aggregation.log_odds, max(most - now, SPREAD_MIN**2) ** 0.5)
        found = await comparing.settle(
            judge, proposed, start, aggregation.threshold, self._following.fold
        )
        hearing.comparisons = found.comparisons
        hearing.calls.extend(found.calls)
        return (
            aggregation.model_copy(update={"rating": found.mean, "rating_error": found.error})
            if found.comparisons
            else aggregation
        )

    def asked(self, proposed: HypothesisProposed) -> tuple[Judge, ...]:
        """The judges of a hypothesis: those that are named, of other families than the writer's where there are any; near a cap the first."""
        named = (
            tuple(judge for judge in self._judges if judge.name in proposed.judges) or self._judges
        )
        strangers = tuple(judge for judge in named if not judge.is_kin(proposed)) or named
        return strangers[:1] if proposed.pair.plan == MINIMAL else strangers


async def _ask(
    judge: Judge, hearing: Evaluation, proposed: HypothesisProposed, synthesis: Synthesis
) -> bool:
    """One more answer; whether it could be read."""
    before = sum(judgement.judge == judge.name for judgement in hearing.judgements)
    judgement, calls = await judge.judge(proposed, synthesis, before)
    hearing.judgements.append(judgement)
    hearing.calls.extend(calls)
    return judgement.scores is not None
