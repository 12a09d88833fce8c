"""The pre-screen: what it drops, whether it pays, and that its estimates hold for all pairs."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from daydream_contracts.events import ScreenRank
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.screen_history import ScreenStats
from daydream_sampler.screen_policy import BATCH, EXPLORED, QUARTERS, ScreenRecord, ranks_of
from daydream_sampler.screening import batch_of, end_waiting, screen_id_of, wait_for_rank

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RANKED = (1000.0, 1000.0, 1000.0, 1000.0)


def record(*insights: float, rank_share: float = 0.02, floor: float = 0.1) -> ScreenRecord:
    return ScreenRecord(RANKED, insights, rank_share, floor)


def test_nothing_is_dropped_before_ranks_are_measured() -> None:
    assert record(0, 0, 0, 0).kept_quarters() == QUARTERS


def test_nothing_is_dropped_by_ranks_that_tell_nothing() -> None:
    assert record(50, 50, 50, 50).kept_quarters() == QUARTERS


def test_the_best_quarter_is_kept_where_it_has_nearly_all_insights() -> None:
    assert record(90, 6, 3, 1).kept_quarters() == 1


def test_a_few_insights_are_too_few_to_drop_anything() -> None:
    assert record(2, 0, 0, 0).kept_quarters() == QUARTERS


def test_ranks_that_cost_as_much_as_they_save_do_not_pay() -> None:
    assert record(90, 60, 30, 20).kept_quarters() < QUARTERS
    assert record(90, 60, 30, 20, rank_share=0.6).kept_quarters() == QUARTERS


def test_what_is_lost_is_shown_with_its_interval() -> None:
    state = record(60, 20, 15, 5).state(problem="")
    assert state.lost_share == pytest.approx(sum((60, 20, 15, 5)[state.kept_quarters :]) / 100)
    assert state.lost_share is not None
    assert state.lost_low is not None
    assert state.lost_high is not None
    assert state.lost_low < state.lost_share < state.lost_high


def test_pairs_of_the_floor_pass_at_any_rank_and_others_by_their_quarter() -> None:
    probabilities = [0.4, 0.3, 0.2, 0.1]
    ranks = ranks_of(probabilities, ["importance"] * 3 + [UNIFORM], 2, 401)
    assert [rank.quarter for rank in ranks] == [0, 1, 2, 3]
    assert [rank.pass_probability for rank in ranks] == [1, 1, EXPLORED, 1]
    assert all(rank.cost_nanousd == 101 for rank in ranks)


def epoch_with(count: int) -> Epoch:
    claims = tuple(
        Claim(
            claim_id=f"importance:{at:02}",
            strategy="importance",
            number=at,
            owner="a",
            claimed_at=NOW,
            until=NOW,
        )
        for at in range(count)
    )
    epoch = Epoch(key="k", claims=claims)
    for claim in claims:
        epoch = wait_for_rank(epoch, claim)
    return epoch


def test_claims_that_wait_are_claimed_by_no_replica_and_ranked_when_a_batch_is_full() -> None:
    epoch = epoch_with(BATCH)
    later = NOW + timedelta(minutes=1)
    claimed = epoch.extend(9).claim("a", later)
    assert claimed is not None
    assert claimed[1].claim_id not in {claim.claim_id for claim in epoch.claims}
    assert len(batch_of(epoch, waiting_min=BATCH)) == BATCH
    assert batch_of(epoch_with(BATCH - 1), waiting_min=BATCH) == ()
    assert len(batch_of(epoch_with(3), waiting_min=1)) == 3


def test_a_batch_has_the_same_id_whoever_ranks_it() -> None:
    epoch = epoch_with(BATCH)
    batch = batch_of(epoch, waiting_min=BATCH)
    again = epoch.model_copy(update={"claims": epoch.claims[::-1]})
    assert screen_id_of(epoch, batch) == screen_id_of(again, batch_of(again, waiting_min=BATCH))


def test_a_second_replica_that_ranks_the_same_batch_changes_nothing() -> None:
    epoch = epoch_with(BATCH)
    batch = batch_of(epoch, waiting_min=BATCH)
    rank = ScreenRank(quarter=3, pass_probability=0.5, cost_nanousd=1)
    first = end_waiting(epoch, batch, {claim.claim_id: rank for claim in batch}, NOW)
    assert 0 < len(first.claims) < BATCH
    assert all(claim.screened and claim.rank == rank for claim in first.claims)
    assert end_waiting(first, batch, {}, NOW + timedelta(hours=1)) == first


def test_claims_without_a_rank_pass() -> None:
    epoch = epoch_with(5)
    passed = end_waiting(epoch, batch_of(epoch, waiting_min=1), {}, NOW)
    assert len(passed.claims) == 5
    assert not any(claim.waiting for claim in passed.claims)


def test_counts_hold_for_all_ranked_pairs_though_most_of_the_worse_ones_did_not_pass() -> None:
    """Insights are .4, .3, .2 and .1 of the quarters. Only the best one always passes."""
    chance, stats, pairs = random.Random(1), ScreenStats(), 40_000
    rates = (0.4, 0.3, 0.2, 0.1)
    for at in range(pairs):
        quarter = at % QUARTERS
        passes = 1.0 if quarter == 0 else EXPLORED
        is_good = chance.random() < rates[quarter]
        if chance.random() < passes:
            rank = ScreenRank(quarter=quarter, pass_probability=passes, cost_nanousd=10)
            stats.add(rank, promoted=is_good)
    assert stats.ranked == pytest.approx([pairs / QUARTERS] * QUARTERS, rel=0.1)
    expected = [rate * pairs / QUARTERS for rate in rates]
    assert stats.insights == pytest.approx(expected, rel=0.25)
    assert stats.nanousd_per_pair == pytest.approx(10)
