"""Regions of the pair space: where pairs turn out better than expected, more are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from daydream_contracts.events import FactKind
from daydream_sampler.claim import Claim
from daydream_sampler.pair_features import NAMES
from daydream_sampler.portfolio import TEMPER
from daydream_sampler.regions import PRIOR_VERDICTS, REGIONS_MAX, Region, corrections_of, region_of
from daydream_sampler.strategies.interface import FactView, LearnedParams, Partner
from daydream_sampler.strategies.learned import Learned
from daydream_sampler.strategy_history import StrategyHistory
from support.message_builders import AT, verdict_on


def test_a_pair_has_one_region_and_none_without_a_domain() -> None:
    assert (
        region_of("steel", "birds", 1.7) == region_of("birds", "steel", 1.7) == "birds | steel | 1"
    )
    assert [
        region_of("a", "b", closeness)[-1] for closeness in (-2.0, 0.9, 1.0, 2.4, 2.5, 9.0)
    ] == list("001122")
    assert region_of("", "birds", 1.7) == ""


def test_a_correction_is_the_shrunk_mean_surprise_and_wider_with_fewer_verdicts() -> None:
    regions = {
        "often": Region(verdicts=90, surprise=27.0),
        "once": Region(verdicts=1, surprise=0.9),
    }
    draws = [corrections_of(regions, 0.1, seed, temper=1.0) for seed in range(3000)]
    for name, region in regions.items():
        values = np.array([corrections[name] for corrections in draws])
        count = region.verdicts + PRIOR_VERDICTS
        assert values.mean() == pytest.approx(region.surprise / count, abs=0.01)
        assert values.std() == pytest.approx((0.09 / count) ** 0.5, rel=0.1)


def test_a_round_has_at_most_the_maximum_of_regions() -> None:
    corrections = corrections_of(
        {f"a | {number} | 1": Region(verdicts=number) for number in range(1000)},
        0.1,
        1,
        temper=TEMPER,
    )
    assert len(corrections) == REGIONS_MAX
    assert "a | 999 | 1" in corrections
    assert corrections_of({}, 0.0, 1, temper=TEMPER) == {}


def test_partners_in_a_region_with_a_positive_surprise_weigh_more() -> None:
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


def test_each_verdict_counts_once_for_its_region_and_raises_the_expectation() -> None:
    history = StrategyHistory()
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
        before = history.regions.get("a | b | 1", Region()).surprise
        for _ in range(2):
            history.add(sequence, verdict)
        surprises.append(history.regions["a | b | 1"].surprise - before)
    assert history.regions["a | b | 1"].verdicts == 4
    assert surprises[0] > surprises[1] > surprises[3] > 0
    assert StrategyHistory.model_validate_json(history.model_dump_json()).regions == history.regions
