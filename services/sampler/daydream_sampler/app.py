"""Puts the sampler together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_sampler.drawing import Drawing
from daydream_sampler.handlers import endpoints
from daydream_sampler.settings import Settings
from daydream_sampler.shared_state import SharedEpoch
from daydream_shared.runtime import Parts, Runtime
from daydream_shared.subjects import PLANS, SAMPLER


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The sampler: one loop, two endpoints."""
    epoch = SharedEpoch(await runtime.bucket(SAMPLER), seed=settings.seed, drawn_max=settings.drawn_max)
    drawing = Drawing(runtime, settings, epoch, await runtime.bucket(PLANS))
    yield Parts(endpoints=endpoints(drawing), loops=(drawing.draw_forever,))
