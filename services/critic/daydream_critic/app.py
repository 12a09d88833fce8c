"""Puts the critic together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_critic.criticism import Critic
from daydream_critic.handlers import handlers
from daydream_critic.judging import SYNTHESIS_BYTES_MAX, SYNTHESIS_BYTES_MAX_BRIEF, Judge, schema, tokens_max
from daydream_critic.settings import Settings
from daydream_shared.llm.forms import Form, Forms
from daydream_shared.llm.open import open_model
from daydream_shared.llm.prompt import load_prompt
from daydream_shared.money.plans import BARE, BRIEF, FULL, publish_plan
from daydream_shared.runtime import Parts, Runtime
from daydream_shared.subjects import PLANS

PROMPT = "judge.v1.md"
HOLES = frozenset({"hypothesis", "reasoning", "implication"})


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The critic over one judge; it says what it costs before it takes work."""
    asked = forms(settings)
    async with open_model(runtime, settings) as model:
        judge = Judge(f"{asked[FULL].prompt.name}@{settings.model.name}", model, asked)
        await publish_plan(await runtime.bucket(PLANS), judge.plan())
        yield Parts(handlers(Critic(judge, runtime.ask, settings), runtime.telemetry), loops=model.loops, concurrency=settings.concurrency)


def forms(settings: Settings) -> Forms:
    """How a hypothesis is judged in each size. The facts are not shown to the judge."""

    def form(*, brief: bool, repair: bool, text_bytes_max: int) -> Form:
        prompt = load_prompt("daydream_critic", PROMPT, settings.prompt_file, schema(brief=brief), HOLES)
        return Form(prompt, tokens_max(brief=brief), text_bytes_max=text_bytes_max, repair=repair)

    return {
        FULL: form(brief=settings.model.brief, repair=True, text_bytes_max=SYNTHESIS_BYTES_MAX),
        BRIEF: form(brief=True, repair=True, text_bytes_max=SYNTHESIS_BYTES_MAX_BRIEF),
        BARE: form(brief=True, repair=False, text_bytes_max=SYNTHESIS_BYTES_MAX_BRIEF),
    }
