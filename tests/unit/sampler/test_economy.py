"""With write-back the hits of the toy economy don't fall, without it they do; and everything in it
is decided by its seed.
"""

from __future__ import annotations

import json

import pytest

from daydream_sampler.simulation.command import main
from daydream_sampler.simulation.economy import EconomyParams, simulate

SMALL = EconomyParams(facts=60, draws=30, periods=8)


def test_hits_fall_without_write_back_and_do_not_fall_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--facts", "80", "--draws", "40", "--periods", "12", "--seeds", "2"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["without"]["trend"] < 0
    assert result["with_write_back"]["trend"] > 0
    early, late = (
        sum(result["with_write_back"]["hits"][part]) for part in (slice(3, 6), slice(9, 12))
    )
    assert late >= early
    assert result["without"]["hits"][0] == result["with_write_back"]["hits"][0], (
        "the first period has nothing to write back to"
    )


def test_a_seed_repeats_its_run_and_generated_facts_can_be_limited() -> None:
    assert simulate(SMALL, 3, write_back=True) == simulate(SMALL, 3, write_back=True)
    limited = EconomyParams(**{**vars(SMALL), "generated_share_max": 0.0, "floor": 0.01})
    assert sum(simulate(limited, 3, write_back=True)) < sum(simulate(SMALL, 3, write_back=True))


def test_an_economy_ends_when_all_pairs_are_drawn() -> None:
    tiny = EconomyParams(facts=6, draws=10, periods=9)
    assert len(simulate(tiny, 1, write_back=False)) <= 2
