"""The probability that a pair carries is the one with which it is drawn; no pair is drawn twice, and none is lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from daydream_contracts.access import Clearances, are_isolated, isolated_pairs
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import FactKind
from daydream_sampler.epoch import UNIFORM, Claim, Epoch, PortfolioRound, number_of, pairs_of
from daydream_sampler.features import NAMES
from daydream_sampler.portfolio import next_round
from daydream_sampler.proposal import ProposalModel
from daydream_sampler.simulation.draws import NOW, FactSpace, LocalPairs, draw, with_pair
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.registry import chosen
from daydream_sampler.strategy_history import StrategyHistory
from support.samples import verdict_on

FACTS = 12
NAMES_OF_ALL = ["importance", "anchored", "unseen", "reservoir", "learned"]
SHARES = {
    UNIFORM: 0.2,
    "importance": 0.3,
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
    return FactSpace(vectors, [f"source {ordinal % 5}" for ordinal in range(facts)], kinds)


def epoch(key: str, shares: dict[str, float] | None = None) -> Epoch:
    learned = tuple(0.3 if name == "closeness" else 0.0 for name in NAMES)
    return Epoch(
        key=key,
        round=PortfolioRound(number=1, until=10**9, shares=shares or SHARES, learned=learned),
    )


def strategies() -> dict[str, Strategy]:
    """All of them, warm enough that every pair has a chance."""
    found = chosen(NAMES_OF_ALL)
    return {
        name: type(one)(temperature=1.0) if hasattr(one, "temperature") else one
        for name, one in found.items()
    }  # type: ignore[call-arg]


def test_the_first_draw_has_the_probability_that_it_says() -> None:
    """Over many keys. A pair says a different probability under different keys, for its partners by lot differ; the mean over keys must
    be the frequency: Σ 1/p over draws of a pair is expected to be the number of keys where it had a chance, whatever the key."""
    where, all_ = space(), strategies()
    keys = 3000
    seen: Counter[int] = Counter()
    weighed: Counter[int] = Counter()
    for key in range(keys):
        _, claim = draw(where, epoch(f"{key:x}"), all_, LocalPairs())
        assert claim is not None
        assert claim.number is not None
        seen[claim.number] += 1
        weighed[claim.number] += 1 / claim.probability  # type: ignore[assignment]
    assert set(seen) == set(range(pairs_of(FACTS)))
    for number in seen:
        spread = keys * (sum(seen.values()) / seen[number]) ** 0.5 / keys**0.5
        assert abs(weighed[number] - keys) < 5 * spread, (number, weighed[number])
    assert sum(weighed.values()) / keys == pytest.approx(pairs_of(FACTS), rel=0.05), (
        "each pair counts as one"
    )


@pytest.mark.parametrize("name", ["importance", "anchored", "unseen", "learned"])
def test_the_probabilities_of_a_strategy_alone_add_up_to_one(name: str) -> None:
    """Every pair settled as if it had been drawn uniformly at the same moment: what the strategy would have proposed it with."""
    where, all_ = space(), strategies()
    start = epoch("k", {UNIFORM: 0.5, name: 0.5})
    total = 0.0
    for pair in combinations(range(FACTS), 2):
        total += settled(where, start, all_, number_of(*pair)).get(name, 0.0)
    assert total == pytest.approx(1.0)


def settled(
    where: FactSpace, start: Epoch, all_: dict[str, Strategy], number: int
) -> dict[str, float]:
    proposing = ProposalModel(start.cover(FACTS), FACTS, where.questions, all_, LocalPairs())
    claim = Claim(claim_id="c", number=number, chance=1.0, owner="a", claimed_at=NOW, until=NOW)
    found = with_pair(where, proposing, claim)
    assert found is not None
    return found.proposed


def test_an_epoch_of_all_strategies_draws_every_pair_exactly_once() -> None:
    where, all_, drawn = space(), strategies(), LocalPairs()
    now, by = epoch("k"), Counter[str]()
    numbers = []
    while now.cover(FACTS).pairs_left:
        now, claim = draw(where, now, all_, drawn)
        if claim is not None:
            numbers.append(claim.number)
            by[claim.strategy] += 1
            assert 0 < claim.probability <= 1
            assert claim.probability == pytest.approx(
                sum(share * claim.proposed.get(name, 0) for name, share in claim.shares.items())
            )
    assert sorted(numbers) == list(range(pairs_of(FACTS)))
    assert now.drawn == pairs_of(FACTS)
    assert set(by) >= {UNIFORM, "importance", "anchored", "unseen", "learned"}


def test_the_draws_of_a_mixture_estimate_the_whole_without_bias() -> None:
    """What inverse propensity is for: the sum of a value over all pairs from a few draws, by whoever made them."""
    where, all_ = space(), strategies()
    worth = np.random.default_rng(1).random(pairs_of(FACTS))
    found = []
    for key in range(1500):
        _, claim = draw(where, epoch(f"{key:x}"), all_, LocalPairs())
        assert claim is not None
        assert claim.number is not None
        found.append(worth[claim.number] / claim.probability)
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found) - worth.sum()) < 4 * error


def test_questions_are_drawn_with_what_may_answer_them_and_never_with_each_other() -> None:
    where, drawn = space(questions=3), LocalPairs()
    now = epoch("k", {UNIFORM: 0.0, "anchored": 1.0})
    for _ in range(9):
        now, claim = draw(where, now, chosen(["anchored"]), drawn)
        assert claim is not None
    assert all(drawn.draws[question] == 3 for question in range(3)), (
        "each has its turn before any has it again"
    )
    assert sum(drawn.draws[other] for other in range(3, FACTS)) == 9


def test_new_facts_are_drawn_as_they_come_by_the_reservoir() -> None:
    now, drawn = epoch("k", {UNIFORM: 0.1, "reservoir": 0.9}), LocalPairs()
    all_ = chosen(["reservoir"])
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
    ("lowest", "seen"), [("", {0}), ("internal", {0, 1}), ("secret", {0, 1, 2}), ("misspelt", {0})]
)
def test_nothing_is_drawn_across_a_wall_or_above_a_clearance_and_all_else_is_drawn_once(
    lowest: str, seen: set[int]
) -> None:
    levels = Clearances(("internal", "secret"))
    teams = {ordinal: "chem" if ordinal < 7 else "bio" for ordinal in range(3, FACTS)}
    clearances = {4: "internal", 5: "secret", 8: "internal", 9: "nobody knows this one"}
    where, drawn = replace(space(), teams=teams, clearances=clearances), LocalPairs()
    now = epoch("k")
    while now.cover(FACTS).pairs_left:
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
        number_of(*pair)
        for pair in combinations(open_, 2)
        if not are_isolated(teams.get(pair[0], ""), teams.get(pair[1], ""))
    }


def test_the_bound_on_what_is_drawn_in_vain_knows_the_walls() -> None:
    teams = Counter({"chem": 4, "bio": 5})
    walls = isolated_pairs(teams)
    assert walls == 20
    proposing = ProposalModel(
        epoch("k").cover(FACTS), FACTS, (), {}, LocalPairs(), 0, isolated_pairs=walls
    )
    assert proposing.drawn_mass_max({UNIFORM: 1.0}) == pytest.approx(20 / pairs_of(FACTS))


def test_hidden_facts_are_never_drawn_and_everything_else_is_drawn_once() -> None:
    where, drawn = replace(space(), hidden=frozenset({1, 4, 9})), LocalPairs()
    now = epoch("k")
    while now.cover(FACTS).pairs_left:
        now, claim = draw(where, now, strategies(), drawn)
        assert claim is None or 0 < claim.drawn_mass_max <= 1
    left = [ordinal for ordinal in range(FACTS) if ordinal not in where.hidden]
    assert drawn.numbers == {number_of(*pair) for pair in combinations(left, 2)}


def test_an_insight_is_drawn_with_what_it_descends_from_by_nobody_but_uniform() -> None:
    kinds = [FactKind.DOCUMENT] * (FACTS - 1) + [FactKind.INSIGHT]
    where = replace(space(questions=0), kinds=kinds, parents={FACTS - 1: (0, 1)})
    now, drawn, by = epoch("k"), LocalPairs(), Counter[str]()
    while now.cover(FACTS).pairs_left:
        now, claim = draw(where, now, strategies(), drawn)
        if claim is not None and claim.number in {number_of(FACTS - 1, 0), number_of(FACTS - 1, 1)}:
            by[claim.strategy] += 1
    assert by == {UNIFORM: 2}


def test_machine_made_facts_stay_under_their_share_whatever_they_bring() -> None:
    kinds = [FactKind.DOCUMENT] * 20 + [FactKind.INSIGHT] * 20
    where = replace(space(40, questions=0), kinds=kinds)
    now, drawn, yields = Epoch(key="k"), LocalPairs(), StrategyHistory()
    all_ = chosen(["importance", "learned"])
    uniform = 0
    for _ in range(300):
        if now.drawn >= now.round.until:
            now = now.model_copy(
                update={"round": next_round(now, all_, yields, floor=0.1, generated_share_max=0.3)}
            )
        now, claim = draw(where, now, all_, drawn)
        if claim is not None:
            yields.add(now.drawn, verdict_on(claim, promoted=claim.machine_made))
            uniform += claim.machine_made and claim.strategy == UNIFORM
    assert uniform > 0
    assert 0.2 * now.drawn < now.machine_made <= 0.3 * now.drawn + uniform


def test_a_strategy_that_nobody_offers_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match="no strategy 'divination'"):
        chosen(["importance", "divination"])
