"""Puts the synthesizer together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_shared.llm.forms import Form, Forms
from daydream_shared.llm.open import open_model
from daydream_shared.llm.prompt import keep_prompts, load_prompt
from daydream_shared.money.plans import BARE, BRIEF, FULL, publish_plan
from daydream_shared.runtime import Parts, Runtime
from daydream_shared.subjects import PLANS, PROMPTS
from daydream_synthesizer.answer import schema, tokens_max
from daydream_synthesizer.handlers import handlers
from daydream_synthesizer.settings import Settings
from daydream_synthesizer.synthesis import Synthesizer

PROMPT = "synthesize.v2.md"
PROMPT_BRIEF = "synthesize-brief.v1.md"  # small models repeat long instructions instead of following them
HOLES = frozenset({"first", "second"})


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The synthesizer over its model; it says what it costs before it takes work."""
    async with open_model(runtime, settings) as model:
        asked = forms(settings)
        synthesizer = Synthesizer(model, asked)
        await keep_prompts(await runtime.bucket(PROMPTS), [form.prompt for form in asked.values()])
        await publish_plan(await runtime.bucket(PLANS), synthesizer.plan())
        yield Parts(handlers(synthesizer), loops=model.loops, concurrency=settings.concurrency)


def forms(settings: Settings) -> Forms:
    """How a pair is asked about in each size. A small model is asked briefly always."""

    def form(*, brief: bool, repair: bool) -> Form:
        prompt = load_prompt("daydream_synthesizer", PROMPT_BRIEF if brief else PROMPT, settings.prompt_file, schema(brief=brief), HOLES)
        return Form(prompt, tokens_max(brief=brief), facts=1, repair=repair)

    return {FULL: form(brief=settings.model.brief, repair=True), BRIEF: form(brief=True, repair=True), BARE: form(brief=True, repair=False)}
