"""What a strategy found counts under the rule in force, corrected for the judges' errors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pytest

from daydream_contracts.events import (
    Aggregation,
    Judgement,
    Rule,
    VerdictReached,
)
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.judge_errors import CanaryCount, JudgeErrors
from daydream_sampler.pair_features import NAMES, PRIOR_MEAN
from daydream_sampler.portfolio import floor_shares, shares_of
from daydream_sampler.strata import STRATA, stratum_of
from daydream_sampler.strategy_history import StrategyHistory
from support.message_builders import verdict_on

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FEATURES = (1.0,) * len(NAMES)
JUDGEMENT = Judgement(
    judge="judge", model="judge", justification="", scores=None, self_judged=False
)


def verdict(
    strategy: str = UNIFORM,
    *,
    promoted: bool = False,
    judged: bool = True,
    rule: Rule | None = "quota",
    canary: Literal["", "bridge", "decoy"] = "",
    features: tuple[float, ...] = (),
) -> VerdictReached:
    claim = Claim(
        claim_id="c",
        strategy=strategy,
        number=1,
        probability=0.1,
        proposed={strategy: 0.1},
        owner="a",
        claimed_at=NOW,
        until=NOW,
    )
    reached = verdict_on(claim, promoted=promoted)
    proposed = reached.hypothesis
    facts = {
        name: getattr(proposed.pair, name).model_copy(update={"domain": name})
        for name in ("first", "second")
    }
    pair = proposed.pair.model_copy(update={"canary": canary, "features": features, **facts})
    return reached.model_copy(
        update={
            "hypothesis": proposed.model_copy(update={"pair": pair}),
            "judgements": (JUDGEMENT,) if judged else (),
            "aggregation": Aggregation(rule=rule) if rule else None,
        }
    )


def history_of(*verdicts: VerdictReached, start: StrategyHistory | None = None) -> StrategyHistory:
    history = start or StrategyHistory()
    for sequence, reached in enumerate(verdicts, history.sequence + 1):
        history.add(sequence, reached)
    return history


def canaries(kind: Literal["bridge", "decoy"], judged: int, promoted: int) -> list[VerdictReached]:
    return [verdict(canary=kind, promoted=at < promoted) for at in range(judged)]


def test_yields_begin_again_when_another_rule_promotes() -> None:
    history = history_of(*[verdict("importance", promoted=True, rule="score")] * 9)
    assert history.report("importance", 0.5).insights == 9
    history_of(verdict("importance", rule="quota"), start=history)
    report = history.report("importance", 0.5)
    assert (report.draws, report.insights, history.rule) == (1, 0, "quota")


def test_what_is_learned_of_pairs_begins_again_when_another_rule_promotes() -> None:
    """A rule that passes most would teach that every pair it saw is good."""
    earlier = history_of(*[verdict(promoted=True, rule="score", features=FEATURES)] * 9)
    assert earlier.regression().posterior()[0].any()
    assert earlier.regions
    changed = history_of(verdict(rule="quota", features=FEATURES), start=earlier)
    fresh = history_of(verdict(rule="quota", features=FEATURES))
    assert changed.model_dump(exclude={"sequence"}) == fresh.model_dump(exclude={"sequence"})


def test_a_verdict_that_no_rule_decided_counts_under_the_rule_in_force() -> None:
    history = history_of(verdict(promoted=True), verdict(judged=False, rule=None))
    assert history.report(UNIFORM, 1.0).draws == 2
    assert history.strategies[UNIFORM].judged == 1


def test_canaries_are_no_draws_and_measure_the_judges() -> None:
    history = history_of(
        *canaries("bridge", 40, 20), *canaries("decoy", 40, 10), *[verdict(promoted=True)] * 5
    )
    assert history.verdicts == 5
    assert history.judge_errors() == JudgeErrors(good_promoted=30 / 50, bad_promoted=10 / 50)


def test_what_is_promoted_of_all_bounds_the_share_of_bad_ones() -> None:
    errors = JudgeErrors.measured(
        CanaryCount(judged=90, promoted=50), CanaryCount(judged=90, promoted=20), 0.05
    )
    assert errors.bad_promoted == 0.05


def test_judges_that_cannot_tell_correct_nothing() -> None:
    errors = JudgeErrors.measured(
        CanaryCount(judged=500, promoted=200), CanaryCount(judged=500, promoted=200), 1.0
    )
    assert errors == JudgeErrors()


def test_the_corrected_yield_is_the_share_of_good_ones() -> None:
    """One in ten is good; judges promote .5 of good ones and .1 of the others."""
    rng = np.random.default_rng(1)
    good = rng.random(4000) < 0.1
    promoted = rng.random(4000) < np.where(good, 0.5, 0.1)
    history = history_of(
        *canaries("bridge", 2000, 1000),
        *canaries("decoy", 2000, 200),
        *(verdict(promoted=bool(is_promoted)) for is_promoted in promoted),
    )
    report = history.report(UNIFORM, 1.0)
    assert report.low is not None
    assert report.high is not None
    assert report.low <= good.mean() <= report.high
    assert report.high - report.low < 0.08
    assert report.good_insights == pytest.approx(good.sum(), rel=0.25)


def test_a_strategy_gains_nothing_by_what_judges_promote_by_mistake() -> None:
    """Both got 8 promoted for the same money. One had twice as many judged."""

    def draws(name: str, judged: int) -> Iterable[VerdictReached]:
        for at in range(40):
            yield verdict(name, promoted=at < 8, judged=at < judged)

    unmeasured = history_of(*draws("few", 12), *draws("many", 40))
    share_before = shares_of(["few", "many"], unmeasured, floor=0.1, seed=1)
    measured = history_of(*canaries("bridge", 90, 60), *canaries("decoy", 90, 15), start=unmeasured)
    share_after = shares_of(["few", "many"], measured, floor=0.1, seed=1)
    assert share_before["few"] == pytest.approx(share_before["many"], abs=0.05)
    assert share_after["few"] > 3 * share_after["many"]


def test_the_floor_is_shared_by_uniform_and_stratified_draws_if_both_run() -> None:
    assert floor_shares(["importance"], 0.1) == {UNIFORM: 0.1}
    names = [UNIFORM, "stratified", "importance"]
    shares = shares_of(names, StrategyHistory(), floor=0.2, seed=0)
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares[UNIFORM], shares["stratified"]) >= 0.1


@pytest.mark.parametrize(
    ("domains", "closeness", "stratum"),
    [
        (("a", "a"), 0.0, "far, one domain"),
        (("a", "b"), 1.5, "near, two domains"),
        (("", ""), 4.0, "close, two domains"),
    ],
)
def test_a_stratum_is_how_close_a_pair_is_and_whether_it_crosses_domains(
    domains: tuple[str, str], closeness: float, stratum: str
) -> None:
    assert stratum_of(*domains, closeness) == stratum
    assert stratum in STRATA


def test_before_any_verdict_closer_pairs_are_expected_to_bring_more() -> None:
    """What is learned replaces it: here closer pairs bring nothing, and others do."""
    assert StrategyHistory().regression().posterior()[0] == pytest.approx(PRIOR_MEAN)
    close = (1.0, 1.0, 1.0, *(0.0,) * (len(NAMES) - 3))
    far = (1.0, *(0.0,) * (len(NAMES) - 1))
    history = history_of(
        *[verdict(promoted=False, features=close), verdict(promoted=True, features=far)] * 100
    )
    expected = history.regression().posterior()[0]
    assert np.dot(expected, close) < 0.2 < 0.8 < np.dot(expected, far)


def test_strategies_with_random_partners_begin_with_the_share_of_those_that_measure() -> None:
    names = [UNIFORM, "stratified", "importance", "unseen", "reservoir"]
    shares = shares_of(names, StrategyHistory(), floor=0.1, seed=1)
    assert shares["importance"] > 2 * max(shares["unseen"], shares["reservoir"])
