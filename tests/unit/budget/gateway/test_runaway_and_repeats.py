"""Output that repeats itself is noticed, within an answer and from answer to answer."""

from __future__ import annotations

import json
import random

import pytest

from daydream_budget.gateway.providers.repeats import ANSWERS_IN_A_ROW, KEYS_MAX, RepeatDetector
from daydream_budget.gateway.providers.runaway import RunawayDetector, is_runaway

WORDS = ["tide", "moss", "bread", "glass", "beat", "wool", "star", "lamp", "salt", "dust"]


def prose(words: int) -> str:
    chance = random.Random(1)
    return " ".join(chance.choice(WORDS) for _ in range(words))


@pytest.mark.parametrize(
    "text",
    [
        "{" + " \n" * 300,
        "And so the tide comes in again.\n" * 80,
        prose(50) + "ab" * 1100,
        prose(50) + "0" * 2100,
    ],
)
def test_repetition_is_noticed_whole_and_in_pieces(text: str) -> None:
    assert is_runaway(text)
    detector = RunawayDetector()
    assert any(detector.feed(text[at : at + 7]) for at in range(0, len(text), 7))


@pytest.mark.parametrize(
    "text",
    [
        "",
        prose(2000),
        json.dumps([{"score": number, "why": "as before"} for number in range(200)], indent=4),
        "| a | b |\n" + "|" + "-" * 300 + "|" + "-" * 300 + "|\n" + prose(300),
        prose(300) + "\n" * 100,
    ],
)
def test_prose_and_tables_are_no_repetition(text: str) -> None:
    assert not is_runaway(text)
    detector = RunawayDetector()
    assert not any(detector.feed(text[at : at + 7]) for at in range(0, len(text), 7))


def test_ten_near_identical_answers_in_a_row_are_a_long_run() -> None:
    detector = RepeatDetector()
    seen = [detector.observe("m", "critic", "The same answer, again!").is_long for _ in range(25)]
    assert seen.index(True) == ANSWERS_IN_A_ROW - 1
    assert all(seen[ANSWERS_IN_A_ROW - 1 :])


def test_another_answer_starts_a_new_run() -> None:
    detector = RepeatDetector()
    for _ in range(ANSWERS_IN_A_ROW - 1):
        assert not detector.observe("m", "critic", "The same answer, again!").is_long
    assert not detector.observe("m", "critic", prose(30)).is_long
    seen = [detector.observe("m", "critic", "The same answer. Again.").is_long for _ in range(10)]
    assert sum(seen) == 1


def test_short_answers_may_be_the_same_for_different_questions() -> None:
    detector = RepeatDetector()
    assert not detector.observe("m", "synthesizer", '{"link": "none", "title": ""}').is_text
    assert detector.observe("m", "synthesizer", " ".join(f"word{n}" for n in range(20))).is_text


def test_models_and_stages_are_counted_apart_and_their_number_is_bounded() -> None:
    detector = RepeatDetector()
    for number in range(KEYS_MAX + 9):
        assert not detector.observe("m", f"stage-{number}", "The same answer").is_long
    assert len(detector._runs) == KEYS_MAX
