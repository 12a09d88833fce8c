"""How long a run of an arm still takes, and how small a quick benchmark is."""

from __future__ import annotations

import pytest

from daydream_console.bench.arm_progress import time_left
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.size import FULL_SIZE, QUICK_SIZE


@pytest.mark.parametrize(
    ("seconds", "shares", "seconds_max", "text"),
    [
        (60.0, (0.25, 0.5), 0.0, "about 60 s"),  # the bound that comes first
        (60.0, (0.0, 0.001), 0.0, ""),  # nothing to go by, and no bound
        (60.0, (0.0,), 300.0, "at most 4 min"),
        (60.0, (0.1,), 100.0, "about 40 s"),  # the time is up before the rest is done
        (400.0, (0.0,), 300.0, "at most 0 s"),
    ],
)
def test_the_time_left_is_that_until_the_first_bound(
    seconds: float, shares: tuple[float, ...], seconds_max: float, text: str
) -> None:
    assert time_left(seconds, shares, seconds_max) == text


def test_a_quick_benchmark_has_few_notes_and_its_own_labelled_matches() -> None:
    whole = load_corpus()
    corpus = whole.first(QUICK_SIZE.pairs)
    assert len(corpus.notes(QUICK_SIZE.plain_notes)) == 5 * QUICK_SIZE.pairs
    assert {match.bridge for match in corpus.matches} <= {pair.name for pair in corpus.bridges}
    assert len(corpus.matches) >= QUICK_SIZE.labelled
    assert {match.same for match in corpus.matches[: QUICK_SIZE.labelled]} == {True, False}
    assert corpus.digest == whole.digest
    assert whole.first(0) is whole


def test_options_that_are_given_change_the_size_also_to_nothing() -> None:
    size = QUICK_SIZE.changed(daydreams_max=0, votes=None)
    assert (size.daydreams_max, size.votes) == (0, QUICK_SIZE.votes)
    assert FULL_SIZE.changed() == FULL_SIZE
