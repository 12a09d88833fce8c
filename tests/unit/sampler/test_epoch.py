"""Sampling without replacement: every pair once, each draw with the probability that it says,
whichever process dies in between.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_sampler.claim import Claim
from daydream_sampler.epoch import CLAIM_LEASE, Epoch
from daydream_sampler.pair_numbers import ordinals_of, pair_count

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_pair_numbers_and_ordinals_map_to_each_other() -> None:
    pairs = [ordinals_of(number) for number in range(pair_count(60))]
    assert set(pairs) == set(combinations(range(60), 2))
    assert len(pairs) == len(set(pairs))


@given(st.integers(0, 10**30))
def test_the_ordinals_of_huge_pair_numbers_are_exact(number: int) -> None:
    low, high = ordinals_of(number)
    assert 0 <= low < high
    assert pair_count(high) + low == number


def test_more_facts_add_pair_numbers_only_at_the_end() -> None:
    assert {ordinals_of(number) for number in range(pair_count(9))} < {
        ordinals_of(number) for number in range(pair_count(10))
    }


@pytest.mark.parametrize("facts", [0, 1])
def test_fewer_than_two_facts_have_no_pair(facts: int) -> None:
    epoch = Epoch(key="k").extend(facts)
    assert epoch.pairs_left == 0
    assert epoch.claim("a", NOW) is None


@given(seed=st.integers(0, 2**32), growth=st.lists(st.integers(0, 9), min_size=1, max_size=6))
def test_two_crashing_replicas_draw_every_pair_of_a_growing_memory_exactly_once(
    seed: int, growth: list[int]
) -> None:
    chance = random.Random(seed)
    facts, now = 5, NOW
    epoch = Epoch(key=f"{seed:x}").extend(facts)
    first_probability: dict[int, tuple[float, int]] = {}
    drawn: list[int] = []
    generations = {"a": 0, "b": 0}
    while True:
        if growth and chance.random() < 0.1:
            facts += growth.pop()
        epoch = epoch.extend(facts)
        left = epoch.pairs_left
        name = chance.choice("ab")
        claimed = epoch.claim(f"{name}-{generations[name]}", now)
        if claimed is None:
            if not epoch.claims and not growth:
                break
            if epoch.claims:
                now += CLAIM_LEASE + timedelta(seconds=1)  # their holders have crashed
            else:
                facts += growth.pop()
            continue
        epoch, claim = claimed
        assert claim.number is not None
        first_probability.setdefault(claim.number, (claim.probability, left))
        if chance.random() < 0.2:
            generations[name] += 1  # crashes before the pair is published, restarts with a new name
            continue
        drawn.append(claim.number)
        epoch = epoch.complete(claim)
        now += timedelta(seconds=chance.random())
    assert sorted(drawn) == list(range(pair_count(facts)))
    assert epoch.drawn == len(drawn)
    assert all(probability == 1 / left for probability, left in first_probability.values())


def test_a_claim_that_is_taken_over_keeps_pair_probability_and_time() -> None:
    epoch = Epoch(key="k").extend(10)
    epoch, claim = epoch.claim("crashed", NOW) or pytest.fail("no claim")
    epoch, _ = epoch.claim("alive", NOW + timedelta(seconds=1)) or pytest.fail("no claim")
    again, taken = epoch.claim(
        "other", NOW + CLAIM_LEASE + timedelta(milliseconds=1)
    ) or pytest.fail("no claim")
    assert (taken.number, taken.probability, taken.claimed_at) == (
        claim.number,
        claim.probability,
        claim.claimed_at,
    )
    assert taken.owner == "other"
    assert len(again.claims) == 2


def test_another_replica_leaves_a_running_lease_alone() -> None:
    epoch = Epoch(key="k").extend(10)
    epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    _, other = epoch.claim("b", NOW + CLAIM_LEASE) or pytest.fail("no claim")
    assert other.number != claim.number


def test_a_restarted_replica_continues_its_own_claim() -> None:
    epoch = Epoch(key="k").extend(10)
    epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    epoch, again = epoch.claim("a", NOW) or pytest.fail("no claim")
    assert again.number == claim.number
    assert epoch.pairs_left == pair_count(10) - 1


def test_completing_a_claim_twice_counts_once() -> None:
    epoch = Epoch(key="k").extend(10)
    epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    assert epoch.complete(claim).drawn == 1
    assert epoch.complete(claim).complete(claim).drawn == 1


def test_claims_count_towards_the_goal() -> None:
    epoch = Epoch(key="k", pairs_max=2).extend(10)
    epoch, _ = epoch.claim("a", NOW) or pytest.fail("no claim")
    epoch, claim = epoch.claim("b", NOW) or pytest.fail("no claim")
    assert epoch.goal_reached
    assert epoch.claim("c", NOW) is None
    assert epoch.complete(claim).claim("c", NOW) is None


def test_a_claim_may_finish_after_the_goal_is_reached() -> None:
    epoch = Epoch(key="k", pairs_max=1).extend(10)
    epoch, claim = epoch.claim("crashed", NOW) or pytest.fail("no claim")
    _, taken = epoch.claim("alive", NOW + 2 * CLAIM_LEASE) or pytest.fail("no claim")
    assert taken.number == claim.number


def test_a_lowered_goal_holds_back_claims_until_it_is_raised() -> None:
    epoch, claim = Epoch(key="k", pairs_max=5).extend(10).claim("crashed", NOW) or pytest.fail(
        "no claim"
    )
    assert epoch.model_copy(update={"pairs_max": 0}).claim("alive", NOW + 2 * CLAIM_LEASE) is None
    _, again = epoch.model_copy(update={"pairs_max": 1}).claim(
        "alive", NOW + 2 * CLAIM_LEASE
    ) or pytest.fail("no claim")
    assert again.number == claim.number


def test_a_claim_that_waits_for_weeks_is_renewed_so_that_it_can_be_paid() -> None:
    epoch, claim = Epoch(key="k").extend(10).claim("a", NOW) or pytest.fail("no claim")
    epoch = epoch.renew_claim(claim, NOW + timedelta(days=2))
    _, again = epoch.claim("a", NOW + timedelta(days=2)) or pytest.fail("no claim")
    assert (again.number, again.claim_id, again.claimed_at) == (
        claim.number,
        claim.claim_id,
        NOW + timedelta(days=2),
    )
    assert Epoch(key="k").renew_claim(claim, NOW) == Epoch(key="k")


def test_a_goal_of_zero_draws_nothing() -> None:
    assert Epoch(key="k", pairs_max=0).extend(10).claim("a", NOW) is None


def test_the_first_draw_is_uniform_over_all_pairs() -> None:
    seeds, pairs = 4500, pair_count(10)
    firsts = Counter(
        claimed(Epoch(key=f"{seed:x}").extend(10)).number or 0 for seed in range(seeds)
    )
    # 44 degrees of freedom: exceeded by chance once in ten thousand
    assert chi_square(firsts, pairs, seeds) < 87.0


def test_after_growth_a_draw_is_uniform_over_the_pairs_left_in_all_blocks() -> None:
    seeds, ranks = 3750, Counter[int]()
    for seed in range(seeds):
        epoch, taken = Epoch(key=f"{seed:x}").extend(4), set()
        for _ in range(3):
            epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
            epoch = epoch.complete(claim)
            taken.add(claim.number)
        epoch = epoch.extend(8)
        left = [number for number in range(pair_count(8)) if number not in taken]
        claim = claimed(epoch)
        assert claim.probability == 1 / len(left)
        assert claim.number is not None
        ranks[left.index(claim.number)] += 1
    assert chi_square(ranks, 25, seeds) < 58.0  # 24 degrees of freedom: once in ten thousand


def test_blocks_stay_few_when_facts_arrive_one_by_one_between_draws() -> None:
    epoch = Epoch(key="k")
    most = 0
    for facts in range(2, 3000):
        epoch = epoch.extend(facts)
        claim = epoch.claim("a", NOW)
        if claim:
            epoch = claim[0].complete(claim[1])
        most = max(most, len(epoch.blocks))
    assert most < 700
    assert (
        pair_count(2999) - sum(block.end - block.start for block in epoch.blocks)
        < pair_count(2999) // 10
    )


def test_covered_pairs_never_shrink_when_the_memory_reports_fewer_facts() -> None:
    epoch = Epoch(key="k").extend(10)
    assert epoch.extend(5) == epoch
    assert epoch.extend(10) == epoch


def test_an_epoch_survives_a_round_trip_through_json() -> None:
    epoch = Epoch(key="k", pairs_max=7).extend(10)
    epoch, _ = epoch.claim("a", NOW) or pytest.fail("no claim")
    assert Epoch.model_validate_json(epoch.model_dump_json()) == epoch


def claimed(epoch: Epoch) -> Claim:
    _, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    return claim


def chi_square(counts: Counter[int], cells: int, draws: int) -> float:
    expected = draws / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))
