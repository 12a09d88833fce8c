"""Derived ids, and who pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from daydream_contracts.events import (
    HypothesisProposed,
    InsightPromoted,
    PairSampled,
    Payer,
    Scores,
    VerdictReached,
    derive_id,
    hypothesis_id_of,
    pair_id_of,
    verdict_id_of,
)

texts = st.text(max_size=20)


@given(epoch=st.integers(1, 10**6), first=texts, second=texts)
def test_the_id_of_a_pair_does_not_depend_on_the_order_of_its_facts(
    epoch: int, first: str, second: str
) -> None:
    assert pair_id_of(epoch, first, second) == pair_id_of(epoch, second, first)
    assert pair_id_of(epoch, first, second) != pair_id_of(epoch + 1, first, second)


def test_ids_are_the_same_in_every_process_and_version() -> None:
    assert derive_id("pair", 1, "a", "b") == "11e995cb-14e8-5268-873b-ba6cef5547a3"


def test_parts_do_not_run_into_each_other() -> None:
    assert derive_id("ab", "c") != derive_id("a", "bc")
    assert derive_id("a", "b") != derive_id("b", "a")


def test_sample_prompt_role_and_round_enter_the_ids() -> None:
    ids = {hypothesis_id_of("p", digest, sample) for digest in "ab" for sample in range(3)}
    ids |= {verdict_id_of("h", role, round_) for role in ("critic", "oracle") for round_ in (1, 2)}
    assert len(ids) == 10


def test_a_pair_pays_for_all_ways_and_what_follows_for_its_own(
    pair: PairSampled, proposed: HypothesisProposed, verdict: VerdictReached
) -> None:
    assert pair.payer == Payer(reservation_id=pair.reservation_id, branch=None)
    second = proposed.model_copy(update={"sample": 1})
    assert second.payer == Payer(reservation_id=pair.reservation_id, branch=1)
    assert verdict.model_copy(update={"hypothesis": second}).payer == second.payer


def test_an_insight_costs_nobody_anything_any_more(insight: InsightPromoted) -> None:
    assert insight.payer is None


@pytest.mark.parametrize("field", ["draw_probability", "epoch", "samples"])
def test_a_pair_without_a_chance_an_epoch_or_samples_is_refused(
    pair: PairSampled, field: str
) -> None:
    with pytest.raises(ValidationError, match=field):
        PairSampled.model_validate({**pair.model_dump(), field: 0})


def test_scores_are_from_one_to_ten() -> None:
    assert Scores(novelty=1, coherence=10, usefulness=4).mean == 5
    for wrong in (0, 11):
        with pytest.raises(ValidationError):
            Scores(novelty=wrong, coherence=5, usefulness=5)
