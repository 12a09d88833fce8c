"""The requests that the oracle sends to its model."""

from __future__ import annotations

from daydream_critic.oracle import refutation, single_fact
from daydream_critic.oracle.evidence import statements_bytes_max
from daydream_critic.oracle.refutation import RefuteAnswer, ShortRefuteAnswer
from daydream_critic.oracle.settings import OracleSettings
from daydream_critic.oracle.single_fact import AloneAnswer
from daydream_critic.pipeline.judges.requests import PACKAGE, synthesis_bytes_max
from daydream_models.prompt import load_prompt
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.stage_plans import FULL, MINIMAL, SHORT


def refute_requests(settings: OracleSettings) -> RequestSpecs:
    """Return how an attempt is asked for in each size of a plan."""
    return {
        FULL: _refute_request(settings, short=settings.model.short_answers, size=FULL),
        SHORT: _refute_request(settings, short=True, size=SHORT),
        MINIMAL: _refute_request(settings, short=True, size=MINIMAL),
    }


def _refute_request(settings: OracleSettings, *, short: bool, size: str) -> RequestSpec:
    answer = ShortRefuteAnswer if short else RefuteAnswer
    schema, placeholders = answer.json_schema(), refutation.PLACEHOLDERS
    prompt = load_prompt(PACKAGE, refutation.PROMPT, settings.prompt_file, schema, placeholders)
    statements_bytes = statements_bytes_max(_statements_max(settings, size))
    return RequestSpec(
        prompt,
        answer.tokens_max(),
        text_bytes_max=synthesis_bytes_max(size) + statements_bytes,
        facts=1,
        repair=size != MINIMAL,
    )


def _statements_max(settings: OracleSettings, size: str) -> int:
    published = settings.literature_max if settings.literature else 0
    suggested = 2 * single_fact.HYPOTHESES if settings.controls and size == FULL else 0
    return settings.known_max + published + suggested


def control_request(settings: OracleSettings) -> RequestSpec:
    """Return how the model is asked what one fact suggests."""
    prompt = load_prompt(
        PACKAGE,
        single_fact.PROMPT,
        settings.alone_prompt_file,
        AloneAnswer.json_schema(),
        single_fact.PLACEHOLDERS,
    )
    return RequestSpec(prompt, AloneAnswer.tokens_max(), facts=1, repair=False)
