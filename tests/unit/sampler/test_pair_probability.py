"""The probability that a pair carries is the one with which it is drawn; no pair is drawn twice,
and none is lost.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from daydream_contracts.access import Clearances, are_isolated, isolated_pairs
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import FactKind
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_features import NAMES
from daydream_sampler.pair_numbers import pair_count, pair_number
from daydream_sampler.pair_probability import ProposalModel
from daydream_sampler.portfolio import next_round
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.simulation.draws import NOW, FactSpace, LocalPairs, choose_pair, draw
from daydream_sampler.strategies.anchored import Anchored
from daydream_sampler.strategies.importance import Importance
from daydream_sampler.strategies.interface import FactView, LearnedParams, Partner, Strategy
from daydream_sampler.strategies.learned import Learned
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategies.reservoir import Reservoir
from daydream_sampler.strategies.stratified import Stratified
from daydream_sampler.strategies.unseen import Unseen
from daydream_sampler.strategy_history import StrategyHistory
from support.message_builders import verdict_on

FACTS = 12
SHARES = {
    UNIFORM: 0.2,
    "stratified": 0.1,
    "importance": 0.2,
    "anchored": 0.2,
    "unseen": 0.1,
    "reservoir": 0.05,
    "learned": 0.15,
}


def space(facts: int = FACTS, questions: int = 2, seed: int = 3) -> FactSpace:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((facts, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kinds = [FactKind.QUESTION] * questions + [FactKind.DOCUMENT] * (facts - questions)
    return FactSpace(vectors, [f"source {ordinal}" for ordinal in range(facts)], kinds)


def epoch(key: str, shares: dict[str, float] | None = None) -> Epoch:
    learned = tuple(0.3 if name == "closeness" else 0.0 for name in NAMES)
    return Epoch(
        key=key,
        round=PortfolioRound(number=1, until=10**9, shares=shares or SHARES, learned=learned),
    )


def strategies() -> dict[str, Strategy]:
    """Return all of them, at a temperature at which every pair has a chance."""
    return {
        "stratified": Stratified(),
        "importance": Importance(temperature=1.0),
        "anchored": Anchored(temperature=1.0),
        "unseen": Unseen(),
        "reservoir": Reservoir(),
        "learned": Learned(temperature=1.0),
    }


def test_the_first_draw_has_the_probability_it_states() -> None:
    """Draw with many keys. A pair states another probability under each key, since the random
    partners differ. Σ 1/p over the draws of a pair is expected to be the number of keys.
    """
    where, all_ = space(), strategies()
    keys = 3000
    seen: Counter[int] = Counter()
    weighed: defaultdict[int, float] = defaultdict(float)
    for key in range(keys):
        _, claim = draw(where, epoch(f"{key:x}"), all_, LocalPairs())
        assert claim is not None
        assert claim.number is not None
        seen[claim.number] += 1
        weighed[claim.number] += 1 / claim.probability
    assert set(seen) == set(range(pair_count(FACTS)))
    for number in seen:
        spread = keys * (sum(seen.values()) / seen[number]) ** 0.5 / keys**0.5
        assert abs(weighed[number] - keys) < 5 * spread, (number, weighed[number])
    assert sum(weighed.values()) / keys == pytest.approx(pair_count(FACTS), rel=0.05), (
        "each pair counts as one"
    )


@pytest.mark.parametrize("name", ["stratified", "importance", "anchored", "unseen", "learned"])
def test_the_probabilities_of_a_strategy_alone_add_up_to_one(name: str) -> None:
    """Price every pair as if it had been drawn uniformly at the same moment."""
    where, all_ = space(), strategies()
    start = epoch("k", {UNIFORM: 0.5, name: 0.5})
    total = 0.0
    for pair in combinations(range(FACTS), 2):
        total += proposed(where, start, all_, pair_number(*pair)).get(name, 0.0)
    assert total == pytest.approx(1.0)


def proposed(
    where: FactSpace, start: Epoch, all_: dict[str, Strategy], number: int
) -> dict[str, float]:
    proposal = ProposalModel(start.extend(FACTS), FACTS, where.questions, all_, LocalPairs())
    claim = Claim(claim_id="c", number=number, chance=1.0, owner="a", claimed_at=NOW, until=NOW)
    chosen = choose_pair(where, proposal, claim)
    assert chosen is not None
    return chosen.proposed


def test_an_epoch_of_all_strategies_draws_every_pair_exactly_once() -> None:
    where, all_, drawn = space(), strategies(), LocalPairs()
    now, by = epoch("k"), Counter[str]()
    numbers = list[int]()
    while now.extend(FACTS).pairs_left:
        now, claim = draw(where, now, all_, drawn)
        if claim is not None:
            assert claim.number is not None
            numbers.append(claim.number)
            by[claim.strategy] += 1
            assert 0 < claim.probability <= 1
            assert claim.probability == pytest.approx(
                sum(share * claim.proposed.get(name, 0) for name, share in claim.shares.items())
            )
    assert sorted(numbers) == list(range(pair_count(FACTS)))
    assert now.drawn == pair_count(FACTS)
    assert set(by) >= {UNIFORM, "importance", "anchored", "unseen", "learned"}


def test_draws_of_a_mixture_estimate_a_total_without_bias() -> None:
    """Estimate the sum of a value over all pairs from a few draws, by inverse propensity."""
    where, all_ = space(), strategies()
    worth = np.random.default_rng(1).random(pair_count(FACTS))
    estimates = []
    for key in range(1500):
        _, claim = draw(where, epoch(f"{key:x}"), all_, LocalPairs())
        assert claim is not None
        assert claim.number is not None
        estimates.append(worth[claim.number] / claim.probability)
    error = np.std(estimates) / len(estimates) ** 0.5
    assert abs(np.mean(estimates) - worth.sum()) < 4 * error


def test_questions_are_drawn_with_other_facts_and_never_with_each_other() -> None:
    where, drawn = space(questions=3), LocalPairs()
    now = epoch("k", {UNIFORM: 0.0, "anchored": 1.0})
    for _ in range(9):
        now, claim = draw(where, now, load_strategies(["anchored"]), drawn)
        assert claim is not None
    assert all(drawn.draws[question] == 3 for question in range(3)), (
        "each is an anchor once before any is one again"
    )
    assert sum(drawn.draws[other] for other in range(3, FACTS)) == 9


def test_the_reservoir_draws_new_facts_as_they_arrive() -> None:
    now, drawn = epoch("k", {UNIFORM: 0.1, "reservoir": 0.9}), LocalPairs()
    all_ = load_strategies(["reservoir"])
    now, claim = draw(space(8), now, all_, drawn)
    assert claim is not None
    assert claim.strategy == UNIFORM, "what was there before is not new"
    partners = []
    for _ in range(40):
        now, claim = draw(space(12), now, all_, drawn)
        if claim is not None and claim.strategy == "reservoir":
            partners.append(claim.anchor)
    assert partners == [8, 9, 10, 11]


@pytest.mark.parametrize(
    ("lowest", "seen"), [("", {0}), ("internal", {0, 1}), ("secret", {0, 1, 2}), ("unknown", {0})]
)
def test_isolated_teams_and_too_high_clearances_are_never_drawn_and_all_else_once(
    lowest: str, seen: set[int]
) -> None:
    levels = Clearances(("internal", "secret"))
    teams = {ordinal: "chem" if ordinal < 7 else "bio" for ordinal in range(3, FACTS)}
    clearances = {4: "internal", 5: "secret", 8: "internal", 9: "unknown"}
    where, drawn = replace(space(), teams=teams, clearances=clearances), LocalPairs()
    now = epoch("k")
    while now.extend(FACTS).pairs_left:
        now, _ = draw(
            where,
            now,
            strategies(),
            drawn,
            may_see=lambda clearance: levels.may_see(levels.lowest([lowest]), clearance),
        )
    open_ = [
        ordinal
        for ordinal in range(FACTS)
        if ordinal != 9 and levels.rank(clearances.get(ordinal, "")) in seen
    ]
    assert drawn.numbers == {
        pair_number(*pair)
        for pair in combinations(open_, 2)
        if not are_isolated(teams.get(pair[0], ""), teams.get(pair[1], ""))
    }


def test_the_bound_on_drawn_mass_includes_isolated_pairs() -> None:
    teams = Counter({"chem": 4, "bio": 5})
    isolated = isolated_pairs(teams)
    assert isolated == 20
    proposal = ProposalModel(
        epoch("k").extend(FACTS), FACTS, (), {}, LocalPairs(), 0, isolated_pairs=isolated
    )
    assert proposal.rejection_probability_max({UNIFORM: 1.0}) == pytest.approx(
        20 / pair_count(FACTS)
    )


def test_facts_of_one_document_are_never_drawn_together_and_all_else_once() -> None:
    sources = [f"source {ordinal % 5}" for ordinal in range(FACTS)]
    where, drawn = replace(space(), sources=sources), LocalPairs()
    now = epoch("k")
    while now.extend(FACTS).pairs_left:
        now, _ = draw(where, now, strategies(), drawn)
    assert drawn.numbers == {
        pair_number(*pair)
        for pair in combinations(range(FACTS), 2)
        if sources[pair[0]] != sources[pair[1]]
    }
    assert where.same_document_pairs == pair_count(FACTS) - len(drawn.numbers)


def test_the_bound_on_drawn_mass_includes_pairs_of_one_document_unless_these_are_drawn() -> None:
    def bound(same_document_pairs: int | None) -> float:
        start = epoch("k").extend(FACTS)
        proposal = ProposalModel(
            start, FACTS, (), {}, LocalPairs(), same_document_pairs=same_document_pairs
        )
        return proposal.rejection_probability_max({UNIFORM: 1.0})

    assert bound(11) == pytest.approx(11 / pair_count(FACTS))
    assert bound(None) == 0.0


def test_hidden_facts_are_never_drawn_and_all_else_once() -> None:
    where, drawn = replace(space(), hidden=frozenset({1, 4, 9})), LocalPairs()
    now = epoch("k")
    while now.extend(FACTS).pairs_left:
        now, claim = draw(where, now, strategies(), drawn)
        assert claim is None or 0 < claim.rejection_probability_max <= 1
    left = [ordinal for ordinal in range(FACTS) if ordinal not in where.hidden]
    assert drawn.numbers == {pair_number(*pair) for pair in combinations(left, 2)}


def test_only_uniform_draws_an_insight_with_its_ancestors() -> None:
    kinds = [FactKind.DOCUMENT] * (FACTS - 1) + [FactKind.INSIGHT]
    where = replace(space(questions=0), kinds=kinds, parents={FACTS - 1: (0, 1)})
    now, drawn, by = epoch("k"), LocalPairs(), Counter[str]()
    while now.extend(FACTS).pairs_left:
        now, claim = draw(where, now, strategies(), drawn)
        if claim is not None and claim.number in {
            pair_number(FACTS - 1, 0),
            pair_number(FACTS - 1, 1),
        }:
            by[claim.strategy] += 1
    assert by == {UNIFORM: 2}


def test_generated_facts_stay_below_their_share_however_good_they_are() -> None:
    kinds = [FactKind.DOCUMENT] * 20 + [FactKind.INSIGHT] * 20
    where = replace(space(40, questions=0), kinds=kinds)
    now, drawn, history = Epoch(key="k"), LocalPairs(), StrategyHistory()
    all_ = load_strategies(["importance", "learned"])
    uniform = 0
    for _ in range(300):
        if now.drawn >= now.round.until:
            now = now.model_copy(
                update={"round": next_round(now, all_, history, floor=0.1, generated_share_max=0.3)}
            )
        now, claim = draw(where, now, all_, drawn)
        if claim is not None:
            history.add(now.drawn, verdict_on(claim, promoted=claim.generated))
            uniform += claim.generated and claim.strategy == UNIFORM
    assert uniform > 0
    assert 0.2 * now.drawn < now.generated <= 0.3 * now.drawn + uniform


def test_an_unknown_strategy_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="DAYDREAM_SAMPLER_STRATEGIES names 'divination'"):
        load_strategies(["importance", "divination"])


def test_every_stratum_of_an_anchors_partners_is_drawn_equally_often() -> None:
    domains = ["a", "a", "b", "b", "b", "b"]
    closeness = [0.0, 3.0, 0.0, 0.5, 3.0, 1.5]
    partners = [
        Partner(ordinal, "", domain, FactKind.DOCUMENT, closeness=close)
        for ordinal, (domain, close) in enumerate(zip(domains, closeness, strict=True))
    ]
    anchor = FactView(9, "", "a", FactKind.DOCUMENT)
    weights = Stratified().weigh(anchor, partners, LearnedParams())
    assert weights.tolist() == [1, 1, 0.5, 0.5, 1, 1]
