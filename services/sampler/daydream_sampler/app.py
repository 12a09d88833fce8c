"""Puts the sampler together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_contracts.topology import DRAWN_PAIRS, PLANS, SAMPLER
from daydream_runtime.cas_state import CasState
from daydream_runtime.projection import Projector
from daydream_runtime.service import Runtime, ServiceDefinition
from daydream_sampler.canary_cases import CanarySet
from daydream_sampler.canary_injection import CanaryInjector
from daydream_sampler.drawn_pairs import PairSet
from daydream_sampler.epoch import KEY, Epoch
from daydream_sampler.handlers import endpoints
from daydream_sampler.pair_sampler import PairSampler
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.strategies.registry import chosen
from daydream_sampler.strategy_history import StrategyHistory

YIELDS = "yields.v1"


@asynccontextmanager
async def build(runtime: Runtime, settings: SamplerSettings) -> AsyncIterator[ServiceDefinition]:
    """The sampler: a loop that draws, one that plants, two endpoints. ConfigurationError for an unknown strategy."""
    strategies = chosen(settings.strategy_names)
    bucket = await runtime.bucket(SAMPLER)
    epoch = CasState(bucket, KEY, Epoch(key=f"{settings.seed:x}", pairs_max=settings.pairs_max))
    drawn = PairSet(runtime.js, await runtime.bucket(DRAWN_PAIRS), (await epoch.read()).number)
    following = Projector(runtime.js, bucket, YIELDS, StrategyHistory())
    await following.load()
    plans = await runtime.bucket(PLANS)
    drawing = PairSampler(
        runtime, settings, epoch, plans, strategies, drawn, following, settings.occasion()
    )
    planting = CanaryInjector(
        runtime,
        bucket,
        plans,
        epoch,
        settings.stage_names,
        settings.canary_share,
        CanarySet.read(settings.canary_folder),
    )
    loops = (
        drawing.draw_forever,
        *((planting.plant_forever,) if settings.canary_share and planting.judged else ()),
    )
    yield ServiceDefinition(endpoints=endpoints(drawing), loops=loops if settings.draws else ())
    if runtime.nc.is_connected:
        await following.save()
