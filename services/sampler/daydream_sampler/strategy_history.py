"""What each strategy has found, as a projection of the VERDICTS stream.

Every replica has the same history, and nothing is counted twice. Counts of what was found are of
the promotion rule in force: another rule promotes another share, so they begin again when it
changes.

Each pair says with which probability each strategy alone would have proposed it (p) and with which
all of them together did (P). Over all verdicts, whichever strategy drew, the mean of (p ÷ P) ·
yield estimates without bias what the strategy would find alone (inverse propensity; Horvitz and
Thompson, 1952). The yield is corrected for the judges' errors (`judge_errors`): a judged hypothesis
counts (promoted − bad promoted) ÷ (good promoted − bad promoted). A pair that passed the pre-screen
with the probability k stands for 1 ÷ k draws. The interval is that of a mean, from the sums of the
values and of their squares.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from pydantic import BaseModel, Field

from daydream_contracts.events import Decision, PairSampled, VerdictReached
from daydream_contracts.rpc import StrategyYield, StratumYield
from daydream_models.promotion_rule import rule_of
from daydream_runtime.verdict_projection import Projection
from daydream_sampler.judge_errors import CanaryCount, JudgeErrors
from daydream_sampler.pair_features import NAMES, PRIOR_MEAN, closeness_of
from daydream_sampler.pair_numbers import pair_number
from daydream_sampler.regions import Region, region_of
from daydream_sampler.regression import Regression
from daydream_sampler.screen_history import ScreenStats
from daydream_sampler.screen_policy import ScreenRecord
from daydream_sampler.strata import STRATA, stratum_of
from daydream_sampler.strategies.recheck import DiscardedPair

Z95 = 1.96
REGIONS_KEPT = 2000
DISCARDED_MAX = 2000  # a copy is stored in a bucket whose values have at most 1 MB


class StrategyStats(BaseModel):
    """The verdicts on a strategy's own draws; sums over all verdicts, with w = p ÷ P.

    `judged`: own draws that reached a judge. `weighted`, `weighted_squares`: sums of w and w² over
    what was promoted. `judged_weights`, `judged_squares`: the same over what was judged.
    """

    draws: int = 0
    insights: int = 0
    judged: int = 0
    cost_nanousd: int = 0
    weighted: float = 0.0
    weighted_squares: float = 0.0
    judged_weights: float = 0.0
    judged_squares: float = 0.0


class StratumStats(BaseModel):
    """The draws in a stratum, by whichever strategy."""

    draws: int = 0
    insights: int = 0


class StrategyHistory(Projection):
    """The projection up to a position in the VERDICTS stream.

    All but `discarded` is of the rule in force.
    """

    rule: str = Field(default="", description="what promotes now")
    verdicts: int = 0
    strategies: dict[str, StrategyStats] = Field(default_factory=dict)
    strata: dict[str, StratumStats] = Field(default_factory=dict)
    bridges: CanaryCount = CanaryCount()
    decoys: CanaryCount = CanaryCount()
    gram: list[list[float]] = Field(default_factory=lambda: [[0.0] * len(NAMES) for _ in NAMES])
    moment: list[float] = Field(default_factory=lambda: [0.0] * len(NAMES))
    regions: dict[str, Region] = Field(default_factory=dict)
    discarded: dict[int, DiscardedPair] = Field(default_factory=dict)
    screen: ScreenStats = Field(default_factory=ScreenStats)
    drawn: float = Field(
        default=0.0, description="draws, with those that did not pass the pre-screen"
    )

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        """Count a verdict once. Skip one that is not final: another one will follow it."""
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        pair = verdict.hypothesis.pair
        if not verdict.final or verdict.round > 1:  # a rejudged pair is no new draw
            return
        self._note_rule(rule_of(verdict))
        if pair.canary:
            self._count_canary(verdict)
            return
        self.verdicts += 1
        self.drawn += 1 / _pass_probability(pair)
        self._count_strategies(verdict)
        if pair.screen:
            self.screen.add(pair.screen, promoted=verdict.decision is Decision.PROMOTED)
        self._note_discarded(verdict)
        if len(pair.features) == len(NAMES):
            self._count_stratum(pair, promoted=verdict.decision is Decision.PROMOTED)
            self._learn(verdict)

    def _note_rule(self, rule: str) -> None:
        """Begin new counts when another rule promotes."""
        if rule and self.rule and rule != self.rule:
            kept = {"sequence", "rule", "discarded"}
            for name, field in type(self).model_fields.items():
                if name not in kept:
                    setattr(self, name, field.get_default(call_default_factory=True))
        self.rule = rule or self.rule

    def _count_canary(self, verdict: VerdictReached) -> None:
        if not verdict.judgements:
            return
        promoted = verdict.decision is Decision.PROMOTED
        if verdict.hypothesis.pair.canary == "bridge":
            self.bridges = self.bridges.plus(promoted=promoted)
        else:
            self.decoys = self.decoys.plus(promoted=promoted)

    @property
    def rate(self) -> float:
        """The share of verdicts that are promoted."""
        return sum(row.insights for row in self.strategies.values()) / max(1, self.verdicts)

    def judge_errors(self) -> JudgeErrors:
        """Return the judges' errors as far as they are measured."""
        insights = sum(row.insights for row in self.strategies.values())
        judged = sum(row.judged for row in self.strategies.values())
        return JudgeErrors.measured(self.bridges, self.decoys, insights / max(1, judged))

    def _count_strategies(self, verdict: VerdictReached) -> None:
        pair = verdict.hypothesis.pair
        promoted = verdict.decision is Decision.PROMOTED
        judged = promoted or bool(verdict.judgements)
        own = self.strategies.setdefault(pair.strategy, StrategyStats())
        own.draws += 1
        own.insights += promoted
        own.judged += judged
        own.cost_nanousd += verdict.cost_nanousd
        for name, proposed in (pair.proposed or {pair.strategy: pair.draw_probability}).items():
            weight = proposed / pair.draw_probability / _pass_probability(pair)
            stats = self.strategies.setdefault(name, StrategyStats())
            stats.weighted += weight * promoted
            stats.weighted_squares += weight**2 * promoted
            stats.judged_weights += weight * judged
            stats.judged_squares += weight**2 * judged

    def _count_stratum(self, pair: PairSampled, *, promoted: bool) -> None:
        name = stratum_of(pair.first.domain, pair.second.domain, closeness_of(pair.features))
        stratum = self.strata.setdefault(name, StratumStats())
        stratum.draws += 1
        stratum.insights += promoted

    def _learn(self, verdict: VerdictReached) -> None:
        pair = verdict.hypothesis.pair
        promoted = float(verdict.decision is Decision.PROMOTED)
        regression, row = self.regression(), np.array(pair.features)
        region = region_of(pair.first.domain, pair.second.domain, closeness_of(pair.features))
        self._count_region(region, promoted - float(row @ regression.posterior()[0]))
        regression.add(row, promoted)
        self.gram, self.moment = regression.gram.tolist(), regression.moment.tolist()

    def _count_region(self, name: str, surprise: float) -> None:
        """Count a verdict for its region. Forget the region with the fewest of too many."""
        if not name:
            return
        region = self.regions.get(name, Region())
        self.regions[name] = Region(
            verdicts=region.verdicts + 1, surprise=region.surprise + surprise
        )
        if len(self.regions) > REGIONS_KEPT:
            self.regions.pop(min(self.regions, key=lambda key: (self.regions[key].verdicts, key)))

    def _note_discarded(self, verdict: VerdictReached) -> None:
        """Remember the pair if it was judged and discarded. Keep the latest pairs."""
        pair = verdict.hypothesis.pair
        number = pair_number(pair.first.ordinal, pair.second.ordinal)
        self.discarded.pop(number, None)
        if verdict.decision is Decision.DISCARDED and verdict.judgements:
            writers = {call.model for call in verdict.hypothesis.calls}
            judges = {judgement.model for judgement in verdict.judgements}
            self.discarded[number] = DiscardedPair(
                number=number,
                epoch=pair.epoch,
                at=verdict.reached_at,
                models=tuple(sorted(writers | judges)),
                facts=pair.facts,
            )
        if len(self.discarded) > DISCARDED_MAX:
            self.discarded.pop(next(iter(self.discarded)))

    def regression(self) -> Regression:
        """Return what the verdicts say of the features."""
        return Regression(np.array(self.gram), np.array(self.moment), PRIOR_MEAN)

    def report(self, name: str, share: float) -> StrategyYield:
        """Return what a strategy has found under the rule in force, for people."""
        stats = self.strategies.get(name, StrategyStats())
        errors = self.judge_errors()
        report = StrategyYield(
            strategy=name,
            share=share,
            draws=stats.draws,
            insights=stats.insights,
            good_insights=max(0.0, errors.corrected(stats.insights, stats.judged)),
            cost_nanousd=stats.cost_nanousd,
        )
        if self.verdicts < 2:
            return report
        mean, error = _mean_and_error(stats, self.drawn, errors)
        return report.model_copy(
            update={
                "insights_per_draw": max(0.0, mean),
                "low": max(0.0, mean - error),
                "high": max(0.0, mean + error),
            }
        )

    def screen_record(self, floor: float) -> ScreenRecord:
        """Return what ranks have shown. `floor`: share of the draws that always pass."""
        draws = sum(row.draws for row in self.strategies.values())
        cost = sum(row.cost_nanousd for row in self.strategies.values()) / max(1, draws)
        rank_share = self.screen.nanousd_per_pair / cost if cost else 0.0
        return ScreenRecord(self.screen.ranked, self.screen.insights, rank_share, floor)

    def report_strata(self) -> tuple[StratumYield, ...]:
        """Return what was found in each stratum under the rule in force, for people."""
        rows = {name: self.strata.get(name, StratumStats()) for name in STRATA}
        return tuple(
            StratumYield(stratum=name, draws=row.draws, insights=row.insights)
            for name, row in rows.items()
        )


def _pass_probability(pair: PairSampled) -> float:
    return pair.screen.pass_probability if pair.screen else 1.0


def _mean_and_error(stats: StrategyStats, count: float, errors: JudgeErrors) -> tuple[float, float]:
    """Return the corrected yield of a draw, and half its 95 % interval.

    A value is w · (promoted − bad · judged) ÷ (good − bad). What is promoted is judged too.
    """
    bad, separation = errors.bad_promoted, errors.good_promoted - errors.bad_promoted
    mean = errors.corrected(stats.weighted, stats.judged_weights) / count
    squares = (1 - 2 * bad) * stats.weighted_squares + bad**2 * stats.judged_squares
    variance = squares / separation**2 / count - mean**2
    return mean, Z95 * sqrt(max(0.0, variance) / count)
