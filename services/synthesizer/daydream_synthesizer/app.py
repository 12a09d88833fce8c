"""Build the synthesizer: the only place that opens its real collaborators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import PairSampled
from daydream_contracts.topology import PLANS, PROMPTS, SYNTHESIZER, SYNTHESIZER_STATE
from daydream_models.client import BudgetedModelClient
from daydream_models.factory import open_model
from daydream_models.model_file import ModelFileFormat
from daydream_models.prompt import load_prompt, store_prompts
from daydream_models.release import release_reservation
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.reservations import BARE, BRIEF, FULL, publish_plan
from daydream_models.settings import ModelSettings, known_clearance
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.projection import Projector, follow
from daydream_runtime.service import Runtime
from daydream_synthesizer import handlers
from daydream_synthesizer.answer import ShortSynthesisAnswer, SynthesisAnswer
from daydream_synthesizer.examples import ExamplePicker, examples_bytes_max
from daydream_synthesizer.report import WriterReport
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import HOLES_AFTER, Synthesizer
from daydream_synthesizer.writer_history import WriterHistory

PROMPT = "synthesize.v2.md"
PROMPT_AFTER = "synthesize-after.v1.md"  # examples
PROMPT_BRIEF = (
    "synthesize-brief.v1.md"  # small models repeat long instructions instead of following them
)
HOLES = frozenset({"first", "second"})
HISTORY_KEY = "yields.v1"
TABLES = ModelFileFormat("writer", "DAYDREAM_SYNTHESIZER_MODELS_FILE", count_max=9)


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(SynthesizerSettings.read())


def build(settings: SynthesizerSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(
        settings,
        partial(open_collaborators, settings),
        consumers={PairSampled: handlers.pair_sampled} if settings.enabled else {},
        endpoints={SYNTHESIZER_STATE: handlers.synthesizer_state},
        concurrency=settings.concurrency,
    )


@asynccontextmanager
async def open_collaborators(
    settings: SynthesizerSettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the models, and publish what they cost before the first pair is taken."""
    models = read_writers(settings)
    bucket = await runtime.bucket(SYNTHESIZER)
    projector = Projector(runtime.js, bucket, HISTORY_KEY, WriterHistory())
    await projector.load()
    names = tuple(model.name for model in models)
    report = WriterReport(names, projector, settings.writer_floor, settings.examples)
    if not settings.enabled:
        yield Collaborators({"report": report})
        return
    async with AsyncExitStack() as stack:
        writers = {
            model.name: await stack.enter_async_context(open_model(runtime, settings, model))
            for model in models
        }
        synthesizer = _synthesizer(settings, runtime, writers, projector)
        prompts = [spec.prompt for spec in synthesizer.request_specs.values()]
        await store_prompts(await runtime.bucket(PROMPTS), prompts)
        await publish_plan(await runtime.bucket(PLANS), synthesizer.plan())
        loops = [loop for model in writers.values() for loop in model.loops]
        if len(writers) > 1:
            loops.append(partial(follow, projector, runtime))
        yield Collaborators(
            {"synthesizer": synthesizer, "report": report},
            loops,
            on_dead_letter=partial(release_reservation, runtime.rpc),
        )
        if len(writers) > 1 and runtime.nc.is_connected:
            await projector.save()


def _synthesizer(
    settings: SynthesizerSettings,
    runtime: Runtime,
    writers: Mapping[str, BudgetedModelClient],
    projector: Projector[WriterHistory],
) -> Synthesizer:
    examples = ExamplePicker(runtime.rpc, settings.examples) if settings.examples else None
    return Synthesizer(
        writers,
        forms(settings),
        projector,
        examples,
        floor=settings.writer_floor,
        clearances=Clearances(settings.clearances),
    )


def read_writers(settings: SynthesizerSettings) -> tuple[ModelSettings, ...]:
    """Return the models that write.

    Raise ConfigurationError for a model that occurs twice, or that is asked with another prompt
    than the rest: the prompt enters a hypothesis' id.
    """
    if not settings.models_file:
        return (settings.model,)
    models = tuple(model for model, _ in TABLES.read(settings.models_file, settings.model))
    for model in models:
        known_clearance(settings.clearances, model.name, model.clearance)
        if model.brief != settings.model.brief:
            raise ConfigurationError(
                f"{model.name} in {settings.models_file} sets brief, which must be equal for all"
                " writers",
                "Set DAYDREAM_SYNTHESIZER_MODEL_BRIEF",
            )
    if len({model.name for model in models}) < len(models):
        raise ConfigurationError(
            f"{settings.models_file} has the same writer twice", "Name each model once"
        )
    return models


def forms(settings: SynthesizerSettings) -> RequestSpecs:
    """Return the request spec of each plan size.

    A small model gets short requests and no examples.
    """

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
