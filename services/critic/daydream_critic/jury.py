"""The judges of one hypothesis: who is asked, in which order, how often, and what comes out.

States: each judge is asked once → a second opinion, as long as one is worth its price (`cascade`) → clearly above or below the line, or deferred: compared
with its neighbours there (`comparing`) → decided. What is clear: among the best half of what is promoted, or outside twice as much.
Nobody judges what its own family wrote, unless there is nobody else; then the judgements say so. A judge whose answer can't be read has no vote and is
not asked again. Until every judge that is asked has a history, its scores are taken as they are; from then on they are ranks, and the best are promoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from daydream_critic.cascade import Cascade
from daydream_critic.comparing import Comparing, Place
from daydream_critic.experience import Experience, means, score_of
from daydream_critic.judging import Judge
from daydream_critic.panel import Calls, Panel
from daydream_critic.settings import Settings
from daydream_shared.following import Following
from daydream_shared.messages import Comparison, HypothesisProposed, Judgement, ModelCall, Rule, Synthesis, Vote, Weighing
from daydream_shared.money.plans import BARE, FULL

CALLS_OF_ALL = 8
SPREAD_MIN = 0.5  # log-odds


@dataclass
class Hearing:
    """What the judges said of a hypothesis."""

    judgements: list[Judgement] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    comparisons: tuple[Comparison, ...] = ()

    @property
    def score(self) -> float | None:
        """The mean of all printed scores, 1 to 10; None where none could be read."""
        scores = [score for judgement in self.judgements if (score := score_of(judgement)) is not None]
        return sum(scores) / len(scores) if scores else None

    @property
    def least(self) -> int:
        """The lowest single score."""
        given = [judgement.scores for judgement in self.judgements if judgement.scores is not None]
        return min(min(one.novelty, one.coherence, one.usefulness) for one in given)


class Jury:
    """Hears judges."""

    def __init__(self, judges: Sequence[Judge], following: Following[Experience], settings: Settings, comparing: Comparing | None = None) -> None:
        """`comparing`: None where nothing is compared. The last judge of a hypothesis compares."""
        self._judges = tuple(judges)
        self._following = following
        self._settings = settings
        self._comparing = comparing

    async def hear(self, proposed: HypothesisProposed, synthesis: Synthesis) -> tuple[Hearing, Weighing]:
        """What the judges say, and how it is weighed."""
        experience, judges = self._following.fold, self.asked(proposed)
        hearing = Hearing()
        for judge in judges:
            await _ask(judge, hearing, proposed, synthesis, 0)
        answered = [judge for judge in judges if judge.name in means(hearing.judgements)]
        keys = [judge.key(proposed.pair.plan) for judge in answered]
        if not answered or not experience.warm(keys):
            return hearing, Weighing(rule="score")
        panel, line = experience.panel(keys), experience.line(self._settings.promote_share)
        certified = experience.certified(self._settings.target_precision)
        target = line.value(panel) if certified is None else certified.threshold
        usd = tuple(experience.usd(key) for key in keys)
        calls_max = tuple(judge.calls_max if proposed.pair.plan == FULL else 1 for judge in answered)
        cascade = Cascade(panel, usd, calls_max, self._settings.hit_usd)
        ranks = [experience.ranks(key) for key in keys]

        def weighed() -> Weighing:
            scores = means(hearing.judgements)
            values = np.array([np.mean([rank.of_score(score) for score in scores[judge.name]]) for judge, rank in zip(answered, ranks, strict=True)])
            calls = tuple(len(scores[judge.name]) for judge in answered)
            names: list[str] = [judge.name for judge in answered]
            rule: Rule = "quota" if certified is None else "precision"
            return _weighing(panel, names, values, calls, rule=rule, prior=line.prior, line=target)

        weighing, silent = weighed(), set[str]()
        while (chosen := self._next(cascade, weighing, answered, silent)) is not None:
            asked = sum(judgement.judge == chosen.name for judgement in hearing.judgements)
            if not await _ask(chosen, hearing, proposed, synthesis, asked):
                silent.add(chosen.name)
            weighing = weighed()
        low, high = line.at(min(0.99, 2 * line.quota), panel), line.at(line.quota / 2, panel) if certified is None else target
        weighing = weighing.model_copy(update={"deferred_from": low, "deferred_to": high})
        if self._comparing is None or proposed.pair.plan != FULL or not is_deferred(weighing):
            return hearing, weighing
        return hearing, await self._compared(self._comparing, answered[-1], proposed, hearing, weighing, panel)

    async def _compared(self, comparing: Comparing, judge: Judge, proposed: HypothesisProposed, hearing: Hearing, weighing: Weighing, panel: Panel) -> Weighing:
        """How far it could still move is how far it would if every judge were asked very often."""
        assert weighing.log_odds is not None
        assert weighing.line is not None
        now = panel.evidence(tuple(vote.calls for vote in weighing.votes)).deflection
        most = panel.evidence((CALLS_OF_ALL,) * len(weighing.votes)).deflection
        start = Place(weighing.log_odds, max(most - now, SPREAD_MIN**2) ** 0.5)
        found = await comparing.settle(judge, proposed, start, weighing.line, self._following.fold)
        hearing.comparisons = found.comparisons
        hearing.calls.extend(found.calls)
        return weighing.model_copy(update={"placed": found.mean, "placed_error": found.error}) if found.comparisons else weighing

    def asked(self, proposed: HypothesisProposed) -> tuple[Judge, ...]:
        """The judges of a hypothesis: those of other families than the writer's, or all of them; near a cap the first."""
        strangers = tuple(judge for judge in self._judges if not judge.is_kin(proposed)) or self._judges
        return strangers[:1] if proposed.pair.plan == BARE else strangers

    def _next(self, cascade: Cascade, weighing: Weighing, answered: Sequence[Judge], silent: set[str]) -> Judge | None:
        assert weighing.log_odds is not None
        assert weighing.line is not None
        at = cascade.next(tuple(vote.calls for vote in weighing.votes), weighing.log_odds, weighing.line)
        return answered[at] if at is not None and answered[at].name not in silent else None


def is_deferred(weighing: Weighing) -> bool:
    """Whether it lies too near the line to be decided."""
    bounds = (weighing.deferred_from, weighing.log_odds, weighing.deferred_to)
    low, at, high = bounds
    return low is not None and at is not None and high is not None and low < at <= high


async def _ask(judge: Judge, hearing: Hearing, proposed: HypothesisProposed, synthesis: Synthesis, call: int) -> bool:
    """One more answer; whether it could be read."""
    judgement, calls = await judge.judge(proposed, synthesis, call)
    hearing.judgements.append(judgement)
    hearing.calls.extend(calls)
    return judgement.scores is not None


def _weighing(panel: Panel, names: Sequence[str], values: np.ndarray, calls: Calls, *, rule: Rule, prior: float, line: float) -> Weighing:
    weights = panel.evidence(calls).weights
    votes = tuple(
        Vote(judge=name, calls=count, value=float(value), weight=float(weight))
        for name, count, value, weight in zip(names, calls, values, weights, strict=True)
    )
    return Weighing(rule=rule, log_odds=panel.log_odds(values, calls, prior), prior=prior, line=line, votes=votes)
