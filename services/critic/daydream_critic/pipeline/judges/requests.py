"""The requests that judges send to their models, by size of a plan."""

from __future__ import annotations

from daydream_contracts.events import ShortSynthesis, Synthesis
from daydream_contracts.prompt_variables import OUTPUT_BYTES_MAX, judge_variables
from daydream_contracts.text_limits import longest
from daydream_critic.pipeline.judges.answer import JudgeAnswer, SeveralAnswer, ShortJudgeAnswer
from daydream_critic.pipeline.judges.config import RUBRICS, JudgeConfig
from daydream_critic.settings import CriticSettings
from daydream_models.prompt import load_prompt
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.stage_plans import FULL, MINIMAL, SHORT

PACKAGE = "daydream_critic"
DEFAULT_RUBRIC = "essay"
PLACEHOLDERS = frozenset({"hypothesis", "reasoning", "implication"})
FACTS_PLACEHOLDERS = PLACEHOLDERS | {"first", "second"}  # with the two facts of the pair
OUTPUT_PLACEHOLDERS = frozenset({"output"})  # the writer's output as it is
SEVERAL_PLACEHOLDERS = frozenset({"hypotheses"})  # the hypotheses of a pair
SEVERAL_PROMPT = "judge-several.v1.md"
PROSE_TOKENS_MAX = 800
PROSE_SHORT_TOKENS_MAX = 250


def judge_requests(settings: CriticSettings, config: JudgeConfig) -> RequestSpecs:
    """Return how a judge is asked in each size of a plan. Judges are shown the facts
    only if their prompt asks for them.
    """
    return {
        FULL: _judge_request(settings, config, short=config.model.short_answers, size=FULL),
        SHORT: _judge_request(settings, config, short=True, size=SHORT),
        MINIMAL: _judge_request(settings, config, short=True, size=MINIMAL),
    }


def _judge_request(
    settings: CriticSettings, config: JudgeConfig, *, short: bool, size: str
) -> RequestSpec:
    if size == FULL and not short and _takes_several(settings, config):
        return _several_request(settings.hypotheses_per_call)
    file = "" if config.rubric in RUBRICS else config.rubric
    if config.rubric == DEFAULT_RUBRIC:
        file = settings.prompt_file
    bundled = RUBRICS.get(config.rubric, config.rubric)
    answer = ShortJudgeAnswer if short else JudgeAnswer
    schema, accepted = (
        answer.json_schema(),
        (
            PLACEHOLDERS,
            FACTS_PLACEHOLDERS,
            OUTPUT_PLACEHOLDERS,
        ),
    )
    prompt = load_prompt(PACKAGE, bundled, file, schema, *accepted, prose=True)
    takes_output = prompt.placeholders == OUTPUT_PLACEHOLDERS
    return RequestSpec(
        prompt,
        _prose_tokens_max(config) if prompt.is_prose else answer.tokens_max(),
        text_bytes_max=OUTPUT_BYTES_MAX if takes_output else synthesis_bytes_max(size),
        facts=int(prompt.placeholders == FACTS_PLACEHOLDERS),
        repair=size != MINIMAL and not prompt.is_prose,
    )


def _takes_several(settings: CriticSettings, config: JudgeConfig) -> bool:
    """Return whether this judge is asked about several hypotheses: with the bundled rubric only."""
    is_default = config.rubric == DEFAULT_RUBRIC and not settings.prompt_file
    return is_default and settings.hypotheses_per_call > 1


def _several_request(count: int) -> RequestSpec:
    schema = SeveralAnswer.json_schema()
    prompt = load_prompt(PACKAGE, SEVERAL_PROMPT, "", schema, SEVERAL_PLACEHOLDERS)
    numbers = count * len(f"Hypothesis {count}:\n\n\n")
    return RequestSpec(
        prompt,
        count * JudgeAnswer.tokens_max(),
        text_bytes_max=count * synthesis_bytes_max(FULL) + numbers,
    )


def _prose_tokens_max(config: JudgeConfig) -> int:
    return PROSE_SHORT_TOKENS_MAX if config.model.short_answers else PROSE_TOKENS_MAX


def synthesis_bytes_max(size: str) -> int:
    """Return the most bytes of a hypothesis in a prompt, in this size of a plan."""
    synthesis = longest(Synthesis if size == FULL else ShortSynthesis)
    return sum(len(text.encode()) for text in judge_variables(synthesis).values())
