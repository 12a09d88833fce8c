"""Put the sampler together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_contracts.topology import DRAWN_PAIRS, PLANS, SAMPLER
from daydream_runtime.cas_state import CasState
from daydream_runtime.projection import Projector
from daydream_runtime.service import Runtime, ServiceDefinition
from daydream_sampler.canary_cases import CanarySet
from daydream_sampler.canary_injection import KEY as CANARY_KEY
from daydream_sampler.canary_injection import WRITER, CanaryCursor, CanaryInjector
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import KEY, Epoch
from daydream_sampler.handlers import endpoints
from daydream_sampler.pair_sampler import PairSampler
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategy_history import StrategyHistory

HISTORY = "strategy-history.v1"


@asynccontextmanager
async def build(runtime: Runtime, settings: SamplerSettings) -> AsyncIterator[ServiceDefinition]:
    """Build the sampler: a loop that draws, one that injects canaries, two endpoints.

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
    schedule = settings.draw_schedule()
    sampler = PairSampler(runtime, settings, epoch, plans, strategies, drawn, history, schedule)
    injector = CanaryInjector(
        runtime,
        CasState(bucket, CANARY_KEY, CanaryCursor()),
        plans,
        epoch,
        tuple(stage for stage in settings.stages if stage != WRITER),
        settings.canary_share,
        CanarySet.read(settings.canary_folder),
    )
    loops = [sampler.draw_forever, *([injector.inject_forever] if injector.is_useful else [])]
    yield ServiceDefinition(endpoints=endpoints(sampler), loops=loops if settings.enabled else ())
    if runtime.nc.is_connected:
        await history.save()
