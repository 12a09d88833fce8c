"""Puts the critic together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_critic.criticism import Critic
from daydream_critic.handlers import handlers
from daydream_critic.judging import Judge, schema
from daydream_critic.settings import Settings
from daydream_shared.llm.open import open_model
from daydream_shared.llm.prompt import load_prompt
from daydream_shared.money.plans import publish_plan
from daydream_shared.runtime import Parts, Runtime
from daydream_shared.subjects import PLANS

PROMPT = "judge.v1.md"
HOLES = frozenset({"hypothesis", "reasoning", "implication"})


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The critic over one judge; it says what it costs before it takes work."""
    prompt = load_prompt("daydream_critic", PROMPT, settings.prompt_file, schema(brief=settings.model.brief), HOLES)
    async with open_model(runtime, settings) as model:
        judge = Judge(f"{prompt.name}@{settings.model.name}", model, prompt)
        await publish_plan(await runtime.bucket(PLANS), judge.plan())
        yield Parts(handlers(Critic(judge, runtime.ask, settings), runtime.telemetry), concurrency=settings.concurrency)
