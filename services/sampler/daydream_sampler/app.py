"""Build the sampler: the only place that opens its real collaborators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from daydream_contracts.buckets import DRAWN_PAIRS, PLANS, SAMPLER
from daydream_contracts.topology import SAMPLER_GOAL, SAMPLER_STATE
from daydream_models.canaries.canary_set import CanarySet
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.cas_state import CasState
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.verdict_projection import Projector
from daydream_sampler import handlers
from daydream_sampler.canary_injection import KEY as CANARY_KEY
from daydream_sampler.canary_injection import WRITER, CanaryCursor, CanaryInjector
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import KEY, Epoch
from daydream_sampler.pair_sampler import PairSampler
from daydream_sampler.plan_cache import PlanCache
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategy_history import StrategyHistory

HISTORY = "strategy-history.v2"


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(SamplerSettings.read())


def build(settings: SamplerSettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(
        settings,
        partial(open_collaborators, settings),
        endpoints={
            SAMPLER_STATE: handlers.sampler_state,
            SAMPLER_GOAL: handlers.set_goal,
        },
    )


@asynccontextmanager
async def open_collaborators(
    settings: SamplerSettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the sampler. Its loops draw pairs and inject canaries.

    Raise ConfigurationError for an unknown strategy.
    """
    strategies = load_strategies(settings.strategies)
    bucket = await runtime.bucket(SAMPLER)
    plans = await runtime.bucket(PLANS)
    epoch = CasState(bucket, KEY, Epoch(key=f"{settings.seed:x}", pairs_max=settings.pairs_max))
    number = (await epoch.read()).number
    drawn = DrawnPairs(runtime.js, await runtime.bucket(DRAWN_PAIRS), number)
    history = Projector(runtime.js, bucket, HISTORY, StrategyHistory())
    await history.load()
    sampler = PairSampler(
        runtime,
        settings,
        epoch,
        PlanCache(plans, settings.stages),
        strategies,
        drawn,
        history,
    )
    injector = CanaryInjector(
        runtime,
        CasState(bucket, CANARY_KEY, CanaryCursor()),
        plans,
        epoch,
        tuple(stage for stage in settings.stages if stage != WRITER),
        settings.canary_share,
        CanarySet.read(settings.canary_folder, "DAYDREAM_SAMPLER_CANARY_FOLDER"),
    )
    loops = [sampler.draw_forever, *([injector.inject_forever] if injector.is_useful else [])]
    yield Collaborators({"sampler": sampler}, loops if settings.enabled else ())
    if runtime.nc.is_connected:
        await history.save()
