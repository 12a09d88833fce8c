"""The essay's prompt for judges: its words, the writer's whole output, and scores in prose."""

from __future__ import annotations

import asyncio

from daydream_contracts.events import LinkKind, ModelCall, PromptRef, Scores
from daydream_contracts.prompt_variables import OUTPUT_BYTES_MAX, output_variables
from daydream_contracts.rpc import Quote
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.model_judge import ModelJudge
from daydream_critic.pipeline.judges.registry import judge_spec
from daydream_critic.settings import CriticSettings
from daydream_models.client import ModelClient
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import FULL
from support.message_builders import SYNTHESIS, hypothesis
from support.model_fakes import FakeGatewayClient

# Gwern Branwen, "LLM Daydreaming" (https://gwern.net/ai-daydreaming), without line breaks.
WORDS = (
    "You are a discerning critic. Evaluate the following hypothesis on a scale of 1--10 for each "
    "of the following criteria: - Novelty: Is this idea surprising and non-obvious? (1=obvious, "
    "10=paradigm-shifting) - Coherence: Is the reasoning logical and well-formed? (1=nonsense, "
    "10=rigorous) - Usefulness: Could this idea lead to a testable hypothesis, a new product, or "
    "a solution to a problem? (1=useless, 10=highly applicable) Hypothesis: {{output}} Provide "
    "your scores and a brief justification."
)
MODEL = ModelSettings(name="m")
SPEC = judge_spec(CriticSettings(prompt_file="essay.v1"), JudgeConfig(model=MODEL))
PROSE = SYNTHESIS.model_copy(update={"link": LinkKind.UNSPECIFIED})
ANSWER = "First, both are fluids.\n\nSo oil should help."


def judge(answer: str) -> tuple[ModelJudge, FakeGatewayClient]:
    gateway = FakeGatewayClient([answer])
    model = ModelClient(gateway, MODEL, Quote(), "critic")  # type: ignore[arg-type]
    return ModelJudge(SPEC.name, SPEC.requests, SPEC.family, model=model), gateway


def test_the_prompt_is_the_essays_word_for_word() -> None:
    prompt = SPEC.requests[FULL].prompt
    assert " ".join(f"{prompt.system} {prompt.user}".split()) == WORDS
    assert SPEC.requests[FULL].text_bytes_max == OUTPUT_BYTES_MAX


def test_the_judge_sees_the_whole_output_and_its_scores_are_read_from_prose() -> None:
    call = ModelCall(
        call_id="c",
        model="m",
        prompt=PromptRef(name="p", digest="d"),
        input_tokens=1,
        output_tokens=1,
        cost_nanousd=1,
        answer=ANSWER,
    )
    proposed = hypothesis(1, PROSE).model_copy(update={"calls": (call,)})
    answer = "**Novelty:** 8/10\n**Coherence:** 7/10\n**Usefulness:** 6/10\n\nIt is plausible."
    asked, gateway = judge(answer)
    opinion = asyncio.run(asked.judge(proposed, PROSE))
    assert ANSWER in gateway.bodies[0]["messages"][1]["content"]
    assert "response_format" not in gateway.bodies[0]
    assert opinion.judgement.scores == Scores(novelty=8, coherence=7, usefulness=6)
    assert opinion.judgement.justification == answer


def test_prose_without_clear_scores_has_none_and_is_not_asked_again() -> None:
    asked, gateway = judge("A fine idea.")
    opinion = asyncio.run(asked.judge(hypothesis(1, PROSE), PROSE))
    assert opinion.judgement.scores is None
    assert len(gateway.bodies) == 1


def test_texts_of_an_answer_in_json_stand_in_for_the_output() -> None:
    shown = output_variables(hypothesis(1, SYNTHESIS), SYNTHESIS)["output"]
    for text in (SYNTHESIS.title, SYNTHESIS.hypothesis, SYNTHESIS.reasoning):
        assert text in shown
