"""With write-back the hits of the toy economy don't fall, without it they do; and everything in it is decided by its seed."""

from __future__ import annotations

import json

import pytest

from daydream_sampler.simulation.command import main
from daydream_sampler.simulation.economy import EconomyParams, live

SMALL = EconomyParams(facts=60, draws=30, periods=8)


def test_without_write_back_hits_fall_and_with_it_they_do_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--facts", "80", "--draws", "40", "--periods", "12", "--seeds", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["without"]["trend"] < 0
    assert found["with_write_back"]["trend"] > 0
    early, late = (
        sum(found["with_write_back"]["hits"][part]) for part in (slice(3, 6), slice(9, 12))
    )
    assert late >= early
    assert found["without"]["hits"][0] == found["with_write_back"]["hits"][0], (
        "the first period has nothing to write back to"
    )


def test_the_same_seed_lives_the_same_life_and_machine_made_facts_can_be_held_back() -> None:
    assert live(SMALL, 3, write_back=True) == live(SMALL, 3, write_back=True)
    held = EconomyParams(**{**vars(SMALL), "generated_share_max": 0.0, "floor": 0.01})
    assert sum(live(held, 3, write_back=True)) < sum(live(SMALL, 3, write_back=True))


def test_a_world_whose_pairs_are_all_drawn_ends() -> None:
    tiny = EconomyParams(facts=6, draws=10, periods=9)
    assert len(live(tiny, 1, write_back=False)) <= 2
