"""The planted hypotheses: enough of them, of one shape, in an order that nobody can guess from the last one."""

from __future__ import annotations

from datetime import UTC, datetime
from statistics import mean

import pytest

from daydream_critic import gates
from daydream_sampler.planting import canaries, canary_at, proposed_by
from daydream_synthesizer.answer import CHARS_MAX

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOWN = ("title", "reasoning", "hypothesis", "implication")


def test_there_are_thirty_of_each_and_none_twice() -> None:
    texts = [one.hypothesis for kind in ("bridge", "decoy") for one in canaries(kind)]
    assert len(canaries("bridge")) >= 30
    assert len(canaries("decoy")) >= 30
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("field", SHOWN)
def test_bridges_and_decoys_have_the_same_shape(field: str) -> None:
    lengths = {kind: sorted(len(getattr(one, field)) for one in canaries(kind)) for kind in ("bridge", "decoy")}
    assert mean(lengths["bridge"]) == pytest.approx(mean(lengths["decoy"]), rel=0.15)
    assert max(lengths["bridge"][0], lengths["decoy"][0]) < min(lengths["bridge"][-1], lengths["decoy"][-1])


def test_each_is_what_a_synthesizer_could_have_sent_and_passes_the_free_gates() -> None:
    for number in range(120):
        proposed = proposed_by(number, *canary_at(number), NOW)
        assert gates.by_itself(proposed) is None
        assert proposed.synthesis is not None
        assert all(len(getattr(proposed.synthesis, name)) <= most for name, most in CHARS_MAX.items())


def test_all_come_in_turn_half_of_them_bridges_and_the_same_number_is_always_the_same_message() -> None:
    kinds = [canary_at(number)[0] for number in range(60)]
    assert kinds.count("bridge") == 30
    assert kinds[::2] != ["bridge"] * 30 != kinds[1::2]
    assert len({canary_at(number)[1].hypothesis for number in range(60)}) == 60
    assert canary_at(60)[1] != canary_at(0)[1] or canary_at(62)[1] != canary_at(2)[1], "another order the next time"
    assert proposed_by(7, *canary_at(7), NOW) == proposed_by(7, *canary_at(7), NOW)
    assert proposed_by(7, *canary_at(7), NOW).message_id != proposed_by(67, *canary_at(67), NOW).message_id
