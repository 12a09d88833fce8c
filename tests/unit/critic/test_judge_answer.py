"""The judge's answer: its schema, and scores in prose where a model ignores the schema."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest

from daydream_contracts.events import LinkKind, Scores, ShortSynthesis, Synthesis
from daydream_contracts.prompt_variables import judge_variables
from daydream_contracts.text_limits import chars_max
from daydream_critic.pipeline.judges.answer import (
    RUBRIC,
    JudgeAnswer,
    ShortJudgeAnswer,
    read_free_text,
)
from daydream_critic.pipeline.judges.config import RUBRICS
from daydream_critic.pipeline.judges.requests import (
    FACTS_PLACEHOLDERS,
    PLACEHOLDERS,
    synthesis_bytes_max,
)
from daydream_models.prompt import load_prompt


@pytest.mark.parametrize("answer", [JudgeAnswer, ShortJudgeAnswer])
def test_the_longest_answer_validates_and_fits_even_if_every_character_is_a_token(
    answer: type[JudgeAnswer],
) -> None:
    justification = "x" * chars_max(answer, "justification")
    longest = {"justification": justification, **dict.fromkeys(RUBRIC, 10)}
    jsonschema_rs.validate(answer.json_schema(), longest)
    assert answer.model_validate(longest).novelty == 10
    assert len(json.dumps(longest)) == answer.tokens_max()


@pytest.mark.parametrize(
    "change",
    [
        {"justification": "x" * 501},
        {"novelty": 0},
        {"novelty": 11},
        {"novelty": 7.5},
        {"unknown": 1},
    ],
)
def test_the_schema_refuses_an_answer_that_can_not_be_used(change: dict[str, object]) -> None:
    answer = {"justification": "because", **dict.fromkeys(RUBRIC, 5), **change}
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(JudgeAnswer.json_schema(), answer)


@pytest.mark.parametrize("answer", [JudgeAnswer, ShortJudgeAnswer])
def test_the_justification_comes_before_the_scores(answer: type[JudgeAnswer]) -> None:
    assert list(answer.json_schema()["properties"]) == ["justification", *RUBRIC]


def test_a_longer_justification_than_asked_is_cut_and_not_refused() -> None:
    answer = JudgeAnswer(justification="word " * 1000, novelty=5, coherence=5, usefulness=5)
    assert answer.justification.endswith("…")
    assert len(answer.justification) <= chars_max(JudgeAnswer, "justification")


@pytest.mark.parametrize("rubric", RUBRICS.values())
def test_the_bundled_prompts_have_the_placeholders_that_are_filled(rubric: str) -> None:
    sees_facts = rubric == RUBRICS["facts"]
    wanted = FACTS_PLACEHOLDERS if sees_facts else PLACEHOLDERS
    prompt = load_prompt("daydream_critic", rubric, "", JudgeAnswer.json_schema(), wanted)
    system, user = prompt.fill(
        hypothesis="H", reasoning="R", implication="I", first="A", second="B"
    )
    assert all(f"\n{text}\n" in user["content"] for text in "HRI" + "AB" * sees_facts)
    assert all(name in system["content"] for name in RUBRIC), "what is fixed comes first"
    assert all(f" {anchor}: " in system["content"] for anchor in (1, 4, 7, 10))


@pytest.mark.parametrize(
    "text",
    [
        "Novelty: 8\nCoherence: 7\nUsefulness: 6",
        "**Novelty:** 8/10 — surprising.\n**Coherence:** 7/10\n**Usefulness:** 6/10\nOverall, ok.",
        "| criterion | score |\n|---|---|\n| Novelty | 8 |\n| Coherence | 7 |\n| Usefulness | 6 |",
        "<think>novelty: 2? coherence: 3</think>novelty = 8 out of 10, coherence = 7 out of 10 and"
        " usefulness = 6 out of 10.",
        "novelty 8.0, coherence 7, usefulness 6",
    ],
)
def test_scores_in_prose_are_read_if_all_three_are_certain(text: str) -> None:
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
def test_uncertain_scores_are_not_guessed(text: str) -> None:
    assert read_free_text(text) is None


def test_the_scale_of_an_echoed_rubric_is_no_score() -> None:
    scores = read_free_text("Novelty (1-10): 8\nCoherence (1-10): 7\nUsefulness (1-10): 6")
    assert scores in (None, Scores(novelty=8, coherence=7, usefulness=6))


@pytest.mark.parametrize(("kind", "size"), [(Synthesis, "full"), (ShortSynthesis, "short")])
def test_the_longest_synthesis_fits_into_what_the_judge_reserves(
    kind: type[Synthesis], size: str
) -> None:
    texts = {name: "\U0001f600" * 5000 for name in Synthesis.model_fields if name != "link"}
    synthesis = kind(link=LinkKind.ANALOGY, **texts)
    shown = sum(len(text.encode()) for text in judge_variables(synthesis).values())
    assert 0.99 * synthesis_bytes_max(size) < shown <= synthesis_bytes_max(size)
