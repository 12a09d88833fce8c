"""Reading what servers send instead of what was asked for. An uncertain answer is None."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from daydream_models.parsing import parse_object, parse_score

ROOT = Path(__file__).parents[3]
VERDICTS = ROOT.parent / "shared" / "data" / "free-text-verdicts"


class ScoredAnswer(BaseModel):
    """The answer that the tests look for."""

    text: str
    score: int


RIGHT = ScoredAnswer(text="It holds {for now}.", score=7)
JSON = json.dumps(RIGHT.model_dump())
DRAFT = '{"text": "a draft", "score": 1}'


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        f"```json\n{JSON}\n```",
        f"Here is my answer:\n\n```\n{JSON}\n```\nI hope that helps {{really}}.",
        f"The set {{x | x > 0}} is open. So: {JSON}",
        f"<think>{DRAFT}</think>\n{JSON}",
        f"<thinking>\nWell, {DRAFT}\n</thinking>{JSON}",
        f"First draft: {DRAFT}\nOn reflection:\n{JSON}",
        f"{JSON}\n\n{{}}",
        f'{JSON} {{"text": "no score"}}',
        f"[{JSON}]",
        json.dumps(RIGHT.model_dump(), indent=4),
        JSON[:-1] + ', "more": {"nested": {"deep": [1, {"a": 2}]}}}',
        JSON.replace("holds", "ho\\u006cds"),
        JSON.replace("7", "7.0"),
        f"{{ broken, {JSON}",
        "\ufeff" + JSON,
    ],
)
def test_the_answer_is_found_anywhere_in_the_text(text: str) -> None:
    assert parse_object(text, ScoredAnswer) == RIGHT


def test_line_breaks_inside_of_strings_are_accepted() -> None:
    assert parse_object('{"text": "one\ntwo\tthree", "score": 3}', ScoredAnswer) == ScoredAnswer(
        text="one\ntwo\tthree", score=3
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I can't.",
        JSON[:-1],
        JSON[: len(JSON) // 2],
        "{",
        "{" * 5000,
        '{"text": "x"}',
        '{"text": "x", "score": "high"}',
        '{"text": "x", "score": 7.5}',
        f"<think>{JSON}</think>",
        "null",
        "[1, 2]",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_a_cut_or_incomplete_answer_is_none(text: str) -> None:
    assert parse_object(text, ScoredAnswer) is None


@pytest.mark.parametrize(
    "text", [f"<think>Perhaps {DRAFT}? No, because", f"Perhaps {DRAFT}? No.</think>\n{JSON[:-4]}"]
)
def test_a_draft_in_thinking_that_was_cut_off_is_not_the_answer(text: str) -> None:
    assert parse_object(text, ScoredAnswer) is None


def test_an_answer_after_long_reasoning_with_many_braces_is_found() -> None:
    assert parse_object("\\frac{a}{b} " * 150 + JSON, ScoredAnswer) == RIGHT


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("score: 7", 7),
        ("Score: 7/10", 7),
        ("SCORE = 7 / 10", 7),
        ("score 7 out of 10", 7),
        ("**Score:** 7.5/10", 7.5),
        ("### **SCORE:**\n**7/10**", 7),
        ("| Score | 7 |", 7),
        ("Score — 10/10", 10),
        ("score: 0", 0),
        ("Core score: 4/5\nConnections score: 3/5\nTotal score: 7/10", 7),
        ("score: 6/10 … score: 8/10 … Final score: 7/10", 7),
        ("score: 5\nscore: 7/10", 7),
        ("score: 7/10, as I said: score: 7/10", 7),
        ("<think>score: 2/10</think>score: 7/10", 7),
    ],
)
def test_a_score_is_read_in_many_styles(text: str, score: float) -> None:
    assert parse_score(text, "score") == score


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no number here: score",
        "score: high",
        "score: 7/10 … score: 8/10",
        "Final score: 7/10. Total score: 8/10",
        "score: 3/5",
        "score: 70/100",
        "score: 11",
        "score: 11/10",
        "score: 1000",
        "subscore: 7",
        "scores: 7",
        "underscore: 7",
    ],
)
def test_different_scores_other_scales_and_other_words_give_no_score(text: str) -> None:
    assert parse_score(text, "score") is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Score (1-10): 8", 8),
        ("score: 7-8/10", None),
        ("score: 7,5/10", 7.5),
        ("score: 9%", None),
        ("score: -3", None),
    ],
)
def test_part_of_a_number_or_of_a_range_is_not_the_score(text: str, score: float | None) -> None:
    assert parse_score(text, "score") in (None, score)


def test_no_evaluation_by_a_real_model_is_misread_and_most_are_read() -> None:
    if not VERDICTS.is_dir():
        pytest.skip("the public free-text verdicts are not there (../shared/data)")
    with (VERDICTS / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    read = {
        row["file"]: parse_score((VERDICTS / row["file"]).read_text(), "score", int(row["of"]))
        for row in rows
    }
    wrong = {
        row["file"]: read[row["file"]]
        for row in rows
        if read[row["file"]] not in (None, float(row["score"]))
    }
    count = sum(score is not None for score in read.values())
    print(f"{count} of {len(rows)} evaluations were read, {len(wrong)} wrong")
    assert wrong == {}
    assert count >= 9


@pytest.mark.parametrize(
    "text",
    [
        "Score: 3 + 4 = 7",
        "Score: 3/10 + 4/10",
        "Score: 2 × 3",
        "Score = 3 plus 4",
        "Novel: yes. Score: 3 = 7",
        "Score: 8/10. Final score: 6",
        "Score: 8. On reflection, score: 6",
        "Score: 4 (novelty) + 3 (coherence) = 7",
        "Score: 3, then +4 = 7",
        "Score: 7, no wait: 5",
        "Score: 7. Actually: 5",
        "Score: 7 (revised to 5)",
        "Score: 7/10, revised to 5/10",
        "Score: 7 (5 after the revision)",
        "Score: 7 -> 5",
        "Score: 7 --> 5",
        "Score: 7 → 5",
        "Score: ~~7~~ 5",
        "Score: 3 or 4",
        "Score: 3/10 or 4/10",
        "Score: 3 & 4",
        "Score: 3 and 4",
        "Score: 3, 4",
        "Score: 7. I would make that 5 on a second reading.",
    ],
)
def test_a_summed_or_contradictory_score_is_refused(text: str) -> None:
    assert parse_score(text, "score") is None


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("Score: 7", 7.0),
        ("Score: 7/10 and final score: 7", 7.0),
        ("Final score: 6. Score: 8", 6.0),
        ("Score: 7, coherence: 5", 7.0),
        ("Score 7, coherence = 5", 7.0),
        ("Score: 7 (it cites 3 papers)", 7.0),
        ("Score: 7 and coherence: 5", 7.0),
        ("| Score | 7 | 2 papers are named |", 7.0),
        ("Score: 7\n5 reasons follow, and then 2 more.", 7.0),
        ("Score: 7/10 (a step beyond what is known). Coherence: 4/10", 7.0),
    ],
)
def test_a_score_that_is_given_once_or_called_final_is_read(text: str, score: float) -> None:
    assert parse_score(text, "score") == score
