"""Regions of the pair space: where pairs turn out better than expected, more are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from daydream_contracts.events import FactKind
from daydream_sampler.epoch import Claim
from daydream_sampler.features import NAMES
from daydream_sampler.portfolio import TEMPER
from daydream_sampler.regions import PRIOR_VERDICTS, REGIONS_MAX, Region, corrections_of, region_of
from daydream_sampler.strategies.interface import FactView, LearnedParams, Partner
from daydream_sampler.strategies.learned import Learned
from daydream_sampler.strategy_history import StrategyHistory
from support.samples import AT, verdict_on


def test_a_pair_lies_in_the_same_region_from_both_sides_and_in_none_where_a_domain_is_not_known() -> (
    None
):
    assert (
        region_of("steel", "birds", 1.7) == region_of("birds", "steel", 1.7) == "birds | steel | 1"
    )
    assert [
        region_of("a", "b", closeness)[-1] for closeness in (-2.0, 0.9, 1.0, 2.4, 2.5, 9.0)
    ] == list("001122")
    assert region_of("", "birds", 1.7) == ""


def test_a_correction_is_the_mean_surprise_shrunk_and_less_sure_where_less_is_known() -> None:
    known = {"often": Region(verdicts=90, surprise=27.0), "once": Region(verdicts=1, surprise=0.9)}
    found = [corrections_of(known, 0.1, seed, temper=1.0) for seed in range(3000)]
    for name, one in known.items():
        values = np.array([each[name] for each in found])
        count = one.verdicts + PRIOR_VERDICTS
        assert values.mean() == pytest.approx(one.surprise / count, abs=0.01)
        assert values.std() == pytest.approx((0.09 / count) ** 0.5, rel=0.1)


def test_a_round_names_no_more_regions_than_it_can_carry() -> None:
    found = corrections_of(
        {f"a | {number} | 1": Region(verdicts=number) for number in range(1000)},
        0.1,
        1,
        temper=TEMPER,
    )
    assert len(found) == REGIONS_MAX
    assert "a | 999 | 1" in found
    assert corrections_of({}, 0.0, 1, temper=TEMPER) == {}


def test_partners_of_a_region_that_surprised_are_wanted_more() -> None:
    anchor = FactView(0, "here", "steel", FactKind.DOCUMENT)
    partners = [
        Partner(at, "there", domain, FactKind.DOCUMENT, closeness=1.5)
        for at, domain in enumerate(("birds", "bread", "birds"), 1)
    ]
    weights = Learned().weigh(
        anchor, partners, LearnedParams(np.zeros(len(NAMES)), {"birds | steel | 1": 0.2})
    )
    assert weights[0] == weights[2] > 1000 * weights[1]
    assert Learned().weigh(anchor, partners, LearnedParams(np.zeros(len(NAMES)))).tolist() == [
        1.0,
        1.0,
        1.0,
    ]


def test_the_fold_counts_each_verdict_once_for_its_region_and_expects_more_of_it_the_next_time() -> (
    None
):
    yields = StrategyHistory()
    features = (1.0, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0, 0.0)
    claim = Claim(
        claim_id="c",
        number=0,
        probability=0.5,
        features=features,
        owner="a",
        claimed_at=AT,
        until=AT,
    )
    surprises = []
    for sequence in range(1, 5):
        verdict = verdict_on(claim, promoted=True)
        pair = verdict.hypothesis.pair
        labelled = pair.model_copy(
            update={
                "first": pair.first.model_copy(update={"domain": "a"}),
                "second": pair.second.model_copy(update={"domain": "b"}),
            }
        )
        verdict = verdict.model_copy(
            update={"hypothesis": verdict.hypothesis.model_copy(update={"pair": labelled})}
        )
        before = yields.regions.get("a | b | 1", Region()).surprise
        for _ in range(2):
            yields.add(sequence, verdict)
        surprises.append(yields.regions["a | b | 1"].surprise - before)
    assert yields.regions["a | b | 1"].verdicts == 4
    assert surprises[0] > surprises[1] > surprises[3] > 0
    assert StrategyHistory.model_validate_json(yields.model_dump_json()).regions == yields.regions
