"""Sampling without replacement: every pair once, each draw with the probability that it says, whoever dies in between."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daydream_sampler.epoch import LEASE, Claim, Epoch, ordinals_of, pairs_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_pair_numbers_and_ordinals_are_the_same_thing() -> None:
    pairs = [ordinals_of(number) for number in range(pairs_of(60))]
    assert set(pairs) == set(combinations(range(60), 2))
    assert len(pairs) == len(set(pairs))


@given(st.integers(0, 10**30))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_the_ordinals_of_huge_pair_numbers_are_exact(number: int) -> None:
    low, high = ordinals_of(number)
    assert 0 <= low < high
    assert pairs_of(high) + low == number


def test_the_pairs_of_more_facts_only_add_numbers_at_the_end() -> None:
    assert {ordinals_of(number) for number in range(pairs_of(9))} < {
        ordinals_of(number) for number in range(pairs_of(10))
    }


@pytest.mark.parametrize("facts", [0, 1])
def test_fewer_than_two_facts_have_no_pair(facts: int) -> None:
    epoch = Epoch(key="k").cover(facts)
    assert epoch.pairs_left == 0
    assert epoch.claim("a", NOW) is None


@given(seed=st.integers(0, 2**32), growth=st.lists(st.integers(0, 9), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_every_pair_is_drawn_exactly_once_by_two_replicas_that_die_and_a_memory_that_grows(
    seed: int, growth: list[int]
) -> None:
    chance = random.Random(seed)
    facts, now = 5, NOW
    epoch = Epoch(key=f"{seed:x}").cover(facts)
    first_probability: dict[int, tuple[float, int]] = {}
    drawn: list[int] = []
    generations = {"a": 0, "b": 0}
    while True:
        if growth and chance.random() < 0.1:
            facts += growth.pop()
        epoch = epoch.cover(facts)
        left = epoch.pairs_left
        name = chance.choice("ab")
        found = epoch.claim(f"{name}-{generations[name]}", now)
        if found is None:
            if not epoch.claims and not growth:
                break
            if epoch.claims:
                now += LEASE + timedelta(seconds=1)  # whoever holds them is dead
            else:
                facts += growth.pop()
            continue
        epoch, claim = found
        first_probability.setdefault(claim.number, (claim.probability, left))
        if chance.random() < 0.2:
            generations[name] += (
                1  # dies before the pair is published, comes back under another name
            )
            continue
        drawn.append(claim.number)
        epoch = epoch.done(claim)
        now += timedelta(seconds=chance.random())
    assert sorted(drawn) == list(range(pairs_of(facts)))
    assert epoch.drawn == len(drawn)
    assert all(probability == 1 / left for probability, left in first_probability.values())


def test_a_claim_that_is_taken_over_keeps_its_pair_its_probability_and_its_time() -> None:
    epoch = Epoch(key="k").cover(10)
    epoch, claim = epoch.claim("dead", NOW) or pytest.fail("no claim")
    epoch, _ = epoch.claim("alive", NOW + timedelta(seconds=1)) or pytest.fail("no claim")
    again, taken = epoch.claim("other", NOW + LEASE + timedelta(milliseconds=1)) or pytest.fail(
        "no claim"
    )
    assert (taken.number, taken.probability, taken.claimed_at) == (
        claim.number,
        claim.probability,
        claim.claimed_at,
    )
    assert taken.owner == "other"
    assert len(again.claims) == 2


def test_a_lease_that_still_runs_is_left_alone() -> None:
    epoch = Epoch(key="k").cover(10)
    epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    _, other = epoch.claim("b", NOW + LEASE) or pytest.fail("no claim")
    assert other.number != claim.number


def test_a_replica_that_comes_back_goes_on_with_its_own_claim() -> None:
    epoch = Epoch(key="k").cover(10)
    epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    epoch, again = epoch.claim("a", NOW) or pytest.fail("no claim")
    assert again.number == claim.number
    assert epoch.pairs_left == pairs_of(10) - 1


def test_a_claim_that_is_done_twice_counts_once() -> None:
    epoch = Epoch(key="k").cover(10)
    epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    assert epoch.done(claim).drawn == 1
    assert epoch.done(claim).done(claim).drawn == 1


def test_a_goal_stops_the_draw_with_claims_counted() -> None:
    epoch = Epoch(key="k", pairs_max=2).cover(10)
    epoch, _ = epoch.claim("a", NOW) or pytest.fail("no claim")
    epoch, claim = epoch.claim("b", NOW) or pytest.fail("no claim")
    assert epoch.goal_reached
    assert epoch.claim("c", NOW) is None
    assert epoch.done(claim).claim("c", NOW) is None


def test_a_goal_does_not_keep_a_claim_from_being_finished() -> None:
    epoch = Epoch(key="k", pairs_max=1).cover(10)
    epoch, claim = epoch.claim("dead", NOW) or pytest.fail("no claim")
    _, taken = epoch.claim("alive", NOW + 2 * LEASE) or pytest.fail("no claim")
    assert taken.number == claim.number


def test_a_lowered_goal_holds_back_even_what_was_begun_until_it_is_raised() -> None:
    epoch, claim = Epoch(key="k", pairs_max=5).cover(10).claim("dead", NOW) or pytest.fail(
        "no claim"
    )
    assert epoch.model_copy(update={"pairs_max": 0}).claim("alive", NOW + 2 * LEASE) is None
    _, again = epoch.model_copy(update={"pairs_max": 1}).claim(
        "alive", NOW + 2 * LEASE
    ) or pytest.fail("no claim")
    assert again.number == claim.number


def test_a_claim_that_waits_for_money_for_weeks_does_not_grow_too_old_to_be_paid_for() -> None:
    epoch, claim = Epoch(key="k").cover(10).claim("a", NOW) or pytest.fail("no claim")
    epoch = epoch.anew(claim, NOW + timedelta(days=2))
    _, again = epoch.claim("a", NOW + timedelta(days=2)) or pytest.fail("no claim")
    assert (again.number, again.claim_id, again.claimed_at) == (
        claim.number,
        claim.claim_id,
        NOW + timedelta(days=2),
    )
    assert Epoch(key="k").anew(claim, NOW) == Epoch(key="k")


def test_a_goal_of_nothing_draws_nothing() -> None:
    assert Epoch(key="k", pairs_max=0).cover(10).claim("a", NOW) is None


def test_the_first_draw_is_uniform_over_all_pairs() -> None:
    seeds, pairs = 4500, pairs_of(10)
    firsts = Counter(claimed(Epoch(key=f"{seed:x}").cover(10)).number for seed in range(seeds))
    assert (
        chi_square(firsts, pairs, seeds) < 87.0
    )  # 44 degrees of freedom: exceeded by chance once in ten thousand


def test_after_a_growth_the_next_draw_is_uniform_over_what_is_left_in_old_and_new_blocks() -> None:
    seeds, ranks = 3750, Counter[int]()
    for seed in range(seeds):
        epoch, taken = Epoch(key=f"{seed:x}").cover(4), set()
        for _ in range(3):
            epoch, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
            epoch = epoch.done(claim)
            taken.add(claim.number)
        epoch = epoch.cover(8)
        left = [number for number in range(pairs_of(8)) if number not in taken]
        claim = claimed(epoch)
        assert claim.probability == 1 / len(left)
        ranks[left.index(claim.number)] += 1
    assert chi_square(ranks, 25, seeds) < 58.0  # 24 degrees of freedom: once in ten thousand


def test_the_blocks_stay_few_when_facts_come_one_at_a_time_and_something_is_drawn_in_between() -> (
    None
):
    epoch = Epoch(key="k")
    most = 0
    for facts in range(2, 3000):
        epoch = epoch.cover(facts)
        found = epoch.claim("a", NOW)
        if found:
            epoch = found[0].done(found[1])
        most = max(most, len(epoch.blocks))
    assert most < 700
    assert (
        pairs_of(2999) - sum(block.end - block.start for block in epoch.blocks)
        < pairs_of(2999) // 10
    )


def test_what_is_covered_never_shrinks_when_the_memory_says_fewer_facts() -> None:
    epoch = Epoch(key="k").cover(10)
    assert epoch.cover(5) == epoch
    assert epoch.cover(10) == epoch


def test_an_epoch_comes_back_from_its_bucket_as_it_went_in() -> None:
    epoch = Epoch(key="k", pairs_max=7).cover(10)
    epoch, _ = epoch.claim("a", NOW) or pytest.fail("no claim")
    assert Epoch.model_validate_json(epoch.model_dump_json()) == epoch


def claimed(epoch: Epoch) -> Claim:
    _, claim = epoch.claim("a", NOW) or pytest.fail("no claim")
    return claim


def chi_square(counts: Counter[int], cells: int, draws: int) -> float:
    expected = draws / cells
    return sum((counts[cell] - expected) ** 2 / expected for cell in range(cells))
