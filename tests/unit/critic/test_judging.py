"""The judge's answer: its schema, and scores in prose where a model ignores the schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from daydream_contracts.events import LinkKind, Scores, ShortSynthesis, Synthesis
from daydream_contracts.prompts import judge_variables
from daydream_critic.app import PLACEHOLDERS
from daydream_critic.judge_config import RUBRICS
from daydream_critic.pipeline.judge import (
    JUSTIFICATION_CHARS_MAX,
    JUSTIFICATION_CHARS_MAX_BRIEF,
    RUBRIC,
    TOKENS_AROUND,
    JudgeAnswer,
    read_free_text,
    schema,
    synthesis_bytes_max,
)
from daydream_models.prompt import load_prompt


@pytest.mark.parametrize("brief", [False, True])
def test_the_longest_answer_that_the_schema_allows_validates_and_fits_into_its_tokens(
    brief: bool,
) -> None:
    limit = JUSTIFICATION_CHARS_MAX_BRIEF if brief else JUSTIFICATION_CHARS_MAX
    longest = {"justification": "x" * limit, **dict.fromkeys(RUBRIC, 10)}
    jsonschema.validate(longest, schema(brief=brief))
    assert JudgeAnswer.model_validate(longest).novelty == 10
    around = len(json.dumps(longest)) - limit
    assert around <= TOKENS_AROUND * 2, "keys and braces are at least two characters a token"


@pytest.mark.parametrize(
    "change",
    [
        {"justification": "x" * (JUSTIFICATION_CHARS_MAX + 1)},
        {"novelty": 0},
        {"novelty": 11},
        {"novelty": 7.5},
        {"more": 1},
    ],
)
def test_the_schema_refuses_what_could_not_be_used(change: dict[str, object]) -> None:
    answer = {"justification": "because", **dict.fromkeys(RUBRIC, 5), **change}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(answer, schema(brief=False))


def test_justification_comes_before_the_scores() -> None:
    assert list(schema(brief=False)["properties"]) == ["justification", *RUBRIC]


@pytest.mark.parametrize("rubric", RUBRICS.values())
def test_the_prompts_that_come_along_have_the_holes_that_are_filled(rubric: str) -> None:
    prompt = load_prompt("daydream_critic", rubric, "", schema(brief=False), PLACEHOLDERS)
    _, user = prompt.fill(hypothesis="H", reasoning="R", implication="I")
    assert all(f"\n{text}\n" in user["content"] for text in "HRI")
    assert all(name in user["content"] for name in RUBRIC)


@pytest.mark.parametrize(
    "text",
    [
        "Novelty: 8\nCoherence: 7\nUsefulness: 6",
        "**Novelty:** 8/10 — surprising.\n**Coherence:** 7/10\n**Usefulness:** 6/10\nOverall, fine.",
        "| criterion | score |\n|---|---|\n| Novelty | 8 |\n| Coherence | 7 |\n| Usefulness | 6 |",
        "<think>novelty: 2? coherence: 3</think>novelty = 8 out of 10, coherence = 7 out of 10 and usefulness = 6 out of 10.",
        "novelty 8.0, coherence 7, usefulness 6",
    ],
)
def test_scores_in_prose_are_read_when_all_three_are_there_for_certain(text: str) -> None:
    assert read_free_text(text) == Scores(novelty=8, coherence=7, usefulness=6)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Novelty: 8\nCoherence: 7",
        "Novelty: 8\nCoherence: 7\nUsefulness: 0",
        "Novelty: 8\nCoherence: 7\nUsefulness: 11",
        "Novelty: 7.5\nCoherence: 7\nUsefulness: 6",
        "Novelty: 8/10 … on reflection, novelty: 5/10\nCoherence: 7\nUsefulness: 6",
        "Novelty: high\nCoherence: high\nUsefulness: high",
    ],
)
def test_what_is_not_certain_is_not_guessed(text: str) -> None:
    assert read_free_text(text) is None


def test_a_rubric_that_is_echoed_with_its_scale_is_no_score() -> None:
    found = read_free_text("Novelty (1-10): 8\nCoherence (1-10): 7\nUsefulness (1-10): 6")
    assert found in (None, Scores(novelty=8, coherence=7, usefulness=6))


@pytest.mark.parametrize("kind", [Synthesis, ShortSynthesis])
def test_the_longest_synthesis_fits_into_what_the_judge_reserves(kind: type[Synthesis]) -> None:
    texts = {name: "\U0001f600" * 5000 for name in Synthesis.model_fields if name != "link"}
    synthesis = kind(link=LinkKind.ANALOGY, **texts)
    shown = sum(len(text.encode()) for text in judge_variables(synthesis).values())
    assert 0.99 * synthesis_bytes_max(kind) < shown <= synthesis_bytes_max(kind)
