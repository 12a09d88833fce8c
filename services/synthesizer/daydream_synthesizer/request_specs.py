"""The request spec of each plan size: prompt, answer and limits."""

from __future__ import annotations

from daydream_models.prompt import load_prompt
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.stage_plans import FULL, MINIMAL, SHORT
from daydream_synthesizer.answer import (
    ShortSynthesisAnswer,
    SmallModelSynthesisAnswer,
    SynthesisAnswer,
)
from daydream_synthesizer.examples import examples_bytes_max
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import PLACEHOLDERS, PLACEHOLDERS_WITH_EXAMPLES

PACKAGE = "daydream_synthesizer"
PROMPT = "synthesize.v1.md"
PROMPT_WITH_EXAMPLES = "synthesize-with-examples.v1.md"
PROSE_TOKENS_MAX = 2000  # about as many as the longest JSON answer has
PROSE_SHORT_TOKENS_MAX = 400  # of a small model, which rambles
PROMPT_SHORT = "synthesize-short.v1.md"
PROMPT_SMALL = "synthesize-small.v1.md"  # small models repeat long instructions, and don't follow


def request_specs(settings: SynthesizerSettings) -> RequestSpecs:
    """Return the spec of each plan size. Raise ConfigurationError for a wrong prompt file.

    A small model always gets its own short requests, without examples.
    """
    short = _short_spec(settings, repair=True)
    return {
        FULL: short if settings.model.short_answers else _full_spec(settings),
        SHORT: short,
        MINIMAL: _short_spec(settings, repair=False),
    }


def _full_spec(settings: SynthesizerSettings) -> RequestSpec:
    schema = SynthesisAnswer.json_schema()
    if settings.examples:
        name, placeholders = PROMPT_WITH_EXAMPLES, PLACEHOLDERS_WITH_EXAMPLES
    else:
        name, placeholders = PROMPT, PLACEHOLDERS
    count = 2 * settings.examples  # of both kinds
    prompt = load_prompt(PACKAGE, name, settings.prompt_file, schema, placeholders, prose=True)
    return RequestSpec(
        prompt,
        PROSE_TOKENS_MAX if prompt.is_prose else SynthesisAnswer.tokens_max(),
        text_bytes_max=examples_bytes_max(count) if count else 0,
        facts=1,
        repair=not prompt.is_prose,
    )


def _short_spec(settings: SynthesizerSettings, *, repair: bool) -> RequestSpec:
    is_small = settings.model.short_answers
    answer = SmallModelSynthesisAnswer if is_small else ShortSynthesisAnswer
    prompt = load_prompt(
        PACKAGE,
        PROMPT_SMALL if is_small else PROMPT_SHORT,
        settings.prompt_file,
        answer.json_schema(),
        PLACEHOLDERS,
        prose=True,
    )
    prose_max = PROSE_SHORT_TOKENS_MAX if is_small else PROSE_TOKENS_MAX
    return RequestSpec(
        prompt,
        prose_max if prompt.is_prose else answer.tokens_max(),
        facts=1,
        repair=repair and not prompt.is_prose,
    )
