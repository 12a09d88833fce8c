"""Puts the synthesizer together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import PLANS, PROMPTS, SYNTHESIZER
from daydream_models.factory import open_model
from daydream_models.model_file import ModelFileFormat
from daydream_models.prompt import load_prompt, store_prompts
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.reservations import BARE, BRIEF, FULL, publish_plan
from daydream_models.settings import ModelSettings, known_clearance
from daydream_runtime.projection import Projector, follow
from daydream_runtime.service import Runtime, ServiceDefinition
from daydream_synthesizer.answer import ShortSynthesisAnswer, SynthesisAnswer
from daydream_synthesizer.examples import ExamplePicker, examples_bytes_max
from daydream_synthesizer.handlers import endpoints, handlers
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import HOLES_AFTER, Synthesizer
from daydream_synthesizer.writer_history import WriterHistory

PROMPT = "synthesize.v2.md"
PROMPT_AFTER = "synthesize-after.v1.md"  # examples
PROMPT_BRIEF = (
    "synthesize-brief.v1.md"  # small models repeat long instructions instead of following them
)
HOLES = frozenset({"first", "second"})
YIELDS = "yields.v1"
TABLES = ModelFileFormat("writer", "DAYDREAM_SYNTHESIZER_MODELS_FILE", count_max=9)


@asynccontextmanager
async def build(
    runtime: Runtime, settings: SynthesizerSettings
) -> AsyncIterator[ServiceDefinition]:
    """The synthesizer over its models; it says what they cost before it takes work."""
    models = read_writers(settings)
    following = Projector(runtime.js, await runtime.bucket(SYNTHESIZER), YIELDS, WriterHistory())
    await following.load()
    state = endpoints(following, tuple(model.name for model in models), settings)
    if not settings.writes:
        yield ServiceDefinition(endpoints=state)
        return
    async with AsyncExitStack() as stack:
        writers = {
            model.name: await stack.enter_async_context(open_model(runtime, settings, model))
            for model in models
        }
        asked = forms(settings)
        examples = ExamplePicker(runtime.ask, settings.examples) if settings.examples else None
        clearances = Clearances(settings.clearances)
        synthesizer = Synthesizer(
            writers, asked, following, examples, floor=settings.writer_floor, clearances=clearances
        )
        await store_prompts(await runtime.bucket(PROMPTS), [form.prompt for form in asked.values()])
        await publish_plan(await runtime.bucket(PLANS), synthesizer.plan())
        loops: list[Any] = [loop for model in writers.values() for loop in model.loops]
        if len(writers) > 1:
            loops.append(partial(follow, following, runtime))
        yield ServiceDefinition(
            handlers(synthesizer), state, loops, concurrency=settings.concurrency
        )
        if len(writers) > 1 and runtime.nc.is_connected:
            await following.save()


def read_writers(settings: SynthesizerSettings) -> tuple[ModelSettings, ...]:
    """The models that write. ConfigurationError when one is there twice, or is to be asked otherwise than the rest: what is asked enters a hypothesis' id."""
    if not settings.models_file:
        return (settings.model,)
    models = tuple(model for model, _ in TABLES.read(settings.models_file, settings.model))
    for model in models:
        known_clearance(settings.clearances, model.name, model.clearance)
        if model.brief != settings.model.brief:
            raise ConfigurationError(
                f"{model.name} in {settings.models_file} says brief, which is the same for all writers",
                "Set DAYDREAM_SYNTHESIZER_MODEL_BRIEF",
            )
    if len({model.name for model in models}) < len(models):
        raise ConfigurationError(
            f"{settings.models_file} has the same writer twice", "Name each model once"
        )
    return models


def forms(settings: SynthesizerSettings) -> RequestSpecs:
    """How a pair is asked about in each size. A small model is asked briefly always, and shown no examples."""

    def form(*, brief: bool, repair: bool) -> RequestSpec:
        after = bool(settings.examples) and not brief
        answer = ShortSynthesisAnswer if brief else SynthesisAnswer
        name = PROMPT_BRIEF if brief else PROMPT_AFTER if after else PROMPT
        prompt = load_prompt(
            "daydream_synthesizer",
            name,
            settings.prompt_file,
            answer.json_schema(),
            HOLES_AFTER if after else HOLES,
        )
        return RequestSpec(
            prompt,
            answer.tokens_max(),
            text_bytes_max=examples_bytes_max(2 * settings.examples) if after else 0,
            facts=1,
            repair=repair,
        )

    return {
        FULL: form(brief=settings.model.brief, repair=True),
        BRIEF: form(brief=True, repair=True),
        BARE: form(brief=True, repair=False),
    }
