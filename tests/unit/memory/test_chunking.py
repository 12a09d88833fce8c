"""From passages to facts: sizes hold, only fragments are lost, and time grows linearly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daydream_memory.chunking import CHARS_MIN, SPACES, facts_of
from daydream_memory.reading import Passage
from daydream_memory.store import NewFact

SENTENCE = "Ants that find food lay a trail, and short trails are walked more often. "


def facts(
    *texts: str,
    chars_max: int = 300,
    document_id: str = "doc",
    source: str = "/lab/notes/biology.md",
) -> list[NewFact]:
    return list(
        facts_of(
            [Passage(text, f"title {at}") for at, text in enumerate(texts)],
            document_id=document_id,
            source=source,
            chars_max=chars_max,
        )
    )


def lost(text: str, pieces: list[NewFact]) -> list[str]:
    """Return the parts of a text that are in no fact. Fail if facts are not in its order."""
    whole, at, gaps = SPACES.sub(" ", text).strip(), 0, []
    for fact in pieces:
        start = whole.find(fact.text, at)
        assert start >= 0, f"not a piece of the text, or not in its order: {fact.text!r}"
        gaps.append(whole[at:start])
        at = start + len(fact.text)
    return [gap for gap in (*gaps, whole[at:]) if gap.strip()]


words = st.text("abcdefghij", min_size=1, max_size=12) | st.just("x" * 700)
pauses = st.sampled_from([" ", " ", " ", ". ", "\n", "\n\n", ", "])
written = st.lists(st.tuples(words, pauses), max_size=250).map(
    lambda parts: "".join(word + pause for word, pause in parts)
)


@given(text=written, chars_max=st.integers(200, 900))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_facts_keep_their_length_limits_and_only_fragments_are_lost(
    text: str, chars_max: int
) -> None:
    pieces = facts(text, chars_max=chars_max)
    assert all(CHARS_MIN <= len(fact.text) <= chars_max for fact in pieces)
    assert all(len(gap.strip()) < 2 * CHARS_MIN for gap in lost(text, pieces)), (
        "the end of one word and the beginning of the next at most"
    )
    assert [fact.position for fact in pieces] == list(range(len(pieces)))


def test_a_text_that_fits_is_one_fact() -> None:
    (fact,) = facts(SENTENCE)
    assert (fact.text, fact.title, fact.domain, fact.position, fact.document_id) == (
        SENTENCE.strip(),
        "title 0",
        "",
        0,
        "doc",
    )


def test_positions_continue_across_passages() -> None:
    pieces = facts(SENTENCE * 10, SENTENCE * 10)
    assert [fact.position for fact in pieces] == list(range(len(pieces)))
    assert {fact.title for fact in pieces} == {"title 0", "title 1"}


def test_white_space_makes_no_difference() -> None:
    assert facts(SENTENCE.replace(" ", "\n  "))[0].fact_id == facts(SENTENCE)[0].fact_id


def test_the_same_text_is_the_same_fact_in_every_document() -> None:
    first, second = (
        facts(SENTENCE),
        facts("x" * 299, SENTENCE, document_id="other", source="/elsewhere.txt"),
    )
    assert first[0].fact_id == second[1].fact_id
    assert facts(SENTENCE + "But not always.")[0].fact_id != first[0].fact_id


@pytest.mark.parametrize("text", ["", "   ", "42", "Chapter One", "x" * (CHARS_MIN - 1)])
def test_fragments_are_no_facts(text: str) -> None:
    assert facts(text) == []


def test_no_passages_give_no_facts() -> None:
    assert facts() == []


def test_text_without_spaces_is_cut_too() -> None:
    pieces = facts("蚂" * 100_000)
    assert all(len(fact.text) <= 300 for fact in pieces)
    assert sum(len(fact.text) for fact in pieces) == 100_000


def test_the_time_to_cut_a_text_grows_linearly_with_its_length() -> None:
    def seconds(megabytes: int) -> float:
        text = "".join(f"{SENTENCE}{number}. " for number in range(megabytes * 1_000_000 // 80))
        started = time.process_time()
        pieces = facts(text, chars_max=900)
        assert len(pieces) > megabytes * 1_000_000 // 1000
        return time.process_time() - started

    seconds(1)
    short, long = seconds(1), seconds(5)
    assert long < 10 * short + 0.5, "twice linear is allowed for a busy machine"
    assert long < 10
