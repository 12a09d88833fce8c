"""Puts the oracle together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_contracts.access import Clearances
from daydream_contracts.events import ShortSynthesis, Synthesis
from daydream_contracts.topology import PLANS, PROMPTS
from daydream_critic.oracle import alone, refuting
from daydream_critic.oracle.evidence import EvidenceRetriever, statements_bytes_max
from daydream_critic.oracle.examining import Oracle
from daydream_critic.oracle.handlers import handlers
from daydream_critic.oracle.literature import literature_of
from daydream_critic.oracle.settings import OracleSettings
from daydream_critic.pipeline.judge import synthesis_bytes_max
from daydream_models.factory import open_model
from daydream_models.prompt import load_prompt, store_prompts
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.reservations import FULL, MINIMAL, SHORT, publish_plan
from daydream_runtime.service import Runtime, ServiceDefinition


@asynccontextmanager
async def build(runtime: Runtime, settings: OracleSettings) -> AsyncIterator[ServiceDefinition]:
    """The oracle over its model; it says what it costs before it takes work."""
    literature = literature_of(settings.literature)
    evidence = EvidenceRetriever(
        runtime.ask,
        Clearances(settings.clearances),
        settings.model.clearance,
        settings.known_max,
        literature,
        settings.literature_max,
    )
    asked, control = forms(settings), control_form(settings)
    async with open_model(runtime, settings) as model:
        oracle = Oracle(
            model, asked, control, evidence, settings.attempts, controls=settings.controls
        )
        await publish_plan(await runtime.bucket(PLANS), oracle.plan())
        await store_prompts(
            await runtime.bucket(PROMPTS),
            [control.prompt, *(form.prompt for form in asked.values())],
        )
        yield ServiceDefinition(
            handlers(oracle, runtime.telemetry), loops=model.loops, concurrency=settings.concurrency
        )


def forms(settings: OracleSettings) -> RequestSpecs:
    """How an attempt is asked for in each size."""
    statements = settings.known_max + (settings.literature_max if settings.literature else 0)

    def form(*, brief: bool, repair: bool, synthesis: type[Synthesis], count: int) -> RequestSpec:
        prompt = load_prompt(
            "daydream_critic",
            refuting.PROMPT,
            settings.prompt_file,
            refuting.schema(brief=brief),
            refuting.PLACEHOLDERS,
        )
        bytes_max = synthesis_bytes_max(synthesis) + statements_bytes_max(count)
        return RequestSpec(
            prompt,
            refuting.tokens_max(brief=brief),
            text_bytes_max=bytes_max,
            facts=1,
            repair=repair,
        )

    return {
        FULL: form(
            brief=settings.model.short_answers,
            repair=True,
            synthesis=Synthesis,
            count=statements + settings.controls * 2 * alone.COUNT,
        ),
        SHORT: form(brief=True, repair=True, synthesis=ShortSynthesis, count=statements),
        MINIMAL: form(
            brief=True,
            repair=False,
            synthesis=ShortSynthesis,
            count=statements,
        ),
    }


def control_form(settings: OracleSettings) -> RequestSpec:
    """How it is asked what one fact suggests."""
    prompt = load_prompt(
        "daydream_critic",
        alone.PROMPT,
        settings.alone_prompt_file,
        alone.schema(),
        alone.PLACEHOLDERS,
    )
    return RequestSpec(prompt, alone.TOKENS_MAX, facts=1, repair=False)
