"""Puts the sampler together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_sampler.canary import Canaries
from daydream_sampler.drawing import Drawing
from daydream_sampler.drawn import Drawn
from daydream_sampler.epoch import KEY, Epoch
from daydream_sampler.handlers import endpoints
from daydream_sampler.planting import Planting
from daydream_sampler.settings import Settings
from daydream_sampler.strategies.registry import chosen
from daydream_sampler.yields import Yields
from daydream_shared.following import Following
from daydream_shared.runtime import Parts, Runtime
from daydream_shared.shared_state import SharedState
from daydream_shared.subjects import DRAWN, PLANS, SAMPLER

YIELDS = "yields.v1"


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The sampler: a loop that draws, one that plants, two endpoints. WrongSetting for an unknown strategy."""
    strategies = chosen(settings.strategy_names)
    bucket = await runtime.bucket(SAMPLER)
    epoch = SharedState(bucket, KEY, Epoch(key=f"{settings.seed:x}", drawn_max=settings.drawn_max))
    drawn = Drawn(runtime.js, await runtime.bucket(DRAWN), (await epoch.read()).number)
    following = Following(runtime.js, bucket, YIELDS, Yields())
    await following.load()
    plans = await runtime.bucket(PLANS)
    drawing = Drawing(runtime, settings, epoch, plans, strategies, drawn, following, settings.occasion())
    planting = Planting(runtime, bucket, plans, epoch, settings.stage_names, settings.canary_share, Canaries.read(settings.canary_folder))
    loops = (drawing.draw_forever, *((planting.plant_forever,) if settings.canary_share and planting.judged else ()))
    yield Parts(endpoints=endpoints(drawing), loops=loops if settings.draws else ())
    if runtime.nc.is_connected:
        await following.save()
