"""Build the synthesizer: the only place that opens its real collaborators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from daydream_contracts.access import Clearances
from daydream_contracts.buckets import PLANS, PROMPTS, SYNTHESIZER
from daydream_contracts.events import PairSampled
from daydream_contracts.topology import SYNTHESIZER_SCREEN, SYNTHESIZER_STATE
from daydream_models.client import ModelClient
from daydream_models.factory import open_model
from daydream_models.prompt import store_prompts
from daydream_models.release import release_reservation
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import publish_plan
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.verdict_projection import Projector, follow
from daydream_synthesizer import handlers
from daydream_synthesizer.examples import ExamplePicker
from daydream_synthesizer.pair_screen import PairScreen
from daydream_synthesizer.report import WriterReport
from daydream_synthesizer.request_specs import request_specs
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import Synthesizer
from daydream_synthesizer.writer_history import WriterHistory
from daydream_synthesizer.writers import read_writers

HISTORY_KEY = "writers.v2"


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(SynthesizerSettings.read())


def build(settings: SynthesizerSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(
        settings,
        partial(open_collaborators, settings),
        consumers={PairSampled: handlers.pair_sampled} if settings.enabled else {},
        endpoints={
            SYNTHESIZER_STATE: handlers.synthesizer_state,
            **({SYNTHESIZER_SCREEN: handlers.screen_pairs} if settings.enabled else {}),
        },
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
        ranker = await stack.enter_async_context(open_model(runtime, settings, _ranker(settings)))
        screen = PairScreen(ranker, runtime.rpc)
        prompts = [spec.prompt for spec in synthesizer.request_specs.values()]
        await store_prompts(await runtime.bucket(PROMPTS), prompts)
        await publish_plan(await runtime.bucket(PLANS), synthesizer.plan())
        loops = [partial(follow, projector, runtime)] if len(writers) > 1 else []
        yield Collaborators(
            {"synthesizer": synthesizer, "report": report, "screen": screen},
            loops,
            on_dead_letter=partial(release_reservation, runtime.rpc),
        )
        if len(writers) > 1 and runtime.nc.is_connected:
            await projector.save()


def _ranker(settings: SynthesizerSettings) -> ModelSettings:
    """Return the model that ranks pairs. An answer must come at once, with probabilities."""
    name = settings.screen_model or settings.model.name
    return settings.model.model_copy(update={"name": name, "logprobs": True, "batch": False})


def _synthesizer(
    settings: SynthesizerSettings,
    runtime: Runtime,
    writers: Mapping[str, ModelClient],
    projector: Projector[WriterHistory],
) -> Synthesizer:
    examples = ExamplePicker(runtime.rpc, settings.examples) if settings.examples else None
    return Synthesizer(
        writers,
        request_specs(settings),
        projector,
        examples,
        floor=settings.writer_floor,
        clearances=Clearances(settings.clearances),
    )
