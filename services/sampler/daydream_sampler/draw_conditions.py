"""Whether pairs may be drawn now, and how many: backpressure, schedule, and models that refuse.

States of the pipeline: full (as many pairs are pending or in progress as may be) → filling (a few
more may be drawn, and a moment is waited for more) → open. A batch of draws costs about as many
requests as one draw, so it pays to wait for a few. The wait is short beside a model call. While the
pipeline is full it is looked at again soon, and then less and less often.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import PairSampled
from daydream_contracts.rpc import EmptyRequest, ModelState
from daydream_contracts.topology import GATEWAY_STATE, route_of
from daydream_models.stage_plans import StagePlan
from daydream_runtime.runtime_context import Runtime
from daydream_sampler.sampler_state import PhaseReport
from daydream_sampler.settings import SamplerSettings

BATCH_MAX = 8  # draws at a time
GATHER_S = 0.5
FULL_S, FULL_S_MAX = 0.1, 0.5
MODELS_FRESH_S = 1.0


@dataclass(frozen=True)
class Blocked:
    """Nothing may be drawn now. `pause_s`: when to look again; None: as always."""

    report: PhaseReport | None
    pause_s: float | None = None


class PipelineRoom:
    """How many pairs the pipeline has room for, and when to look again."""

    def __init__(self) -> None:
        self._full_s = FULL_S
        self._filling_since: float | None = None

    def look(self, ahead: int, ahead_max: float, now: float) -> Blocked | int:
        """Return how many pairs may be drawn, at most `BATCH_MAX`, or when to look again.

        `ahead` of at most `ahead_max` pairs are pending or in progress. `now`: monotonic seconds.
        """
        room = ceil(ahead_max - ahead)
        if room <= 0:
            self._filling_since = None
            pause_s, self._full_s = self._full_s, min(2 * self._full_s, FULL_S_MAX)
            text = f"{ahead} pairs are pending or in progress"
            return Blocked(PhaseReport("pipeline-full", text), pause_s)
        if room < min(BATCH_MAX, ahead_max / 2):
            since = self._filling_since = self._filling_since or now
            if now - since < GATHER_S:
                return Blocked(None, GATHER_S)
        self._filling_since, self._full_s = None, FULL_S
        return min(room, BATCH_MAX)


class DrawConditions:
    """What one replica knows of the pipeline, the models and the time."""

    def __init__(self, runtime: Runtime, settings: SamplerSettings) -> None:
        self._runtime = runtime
        self._settings = settings
        self._schedule = settings.draw_schedule()
        self._models: tuple[ModelState, ...] = ()
        self._models_at = -MODELS_FRESH_S
        self._room = PipelineRoom()

    async def look(self, plans: Mapping[str, StagePlan]) -> Blocked | int:
        """Return how many pairs may be drawn now, at most `BATCH_MAX`, or what blocks them."""
        missing = [stage for stage in self._settings.stages if stage not in plans]
        if missing:
            text = f"waiting for {', '.join(missing)} to publish what they cost"
            return Blocked(PhaseReport("waiting-for-stages", text))
        stopped = await self._stopped_model(plans.values())
        if stopped is not None:
            text = f"{stopped.model} is stopped: {stopped.stopped}"
            return Blocked(PhaseReport("model-stopped", text))
        now = datetime.now(UTC)
        wait = await self._schedule.wait(now)
        if wait is not None:
            return Blocked(PhaseReport("not-now", wait.text, wait.until))
        stream = await self._runtime.js.stream_info(route_of(PairSampled).stream)
        ahead_max = self._settings.pairs_ahead * self._schedule.ahead(now)
        return self._room.look(stream.state.messages, ahead_max, time.monotonic())

    async def _stopped_model(self, plans: Iterable[StagePlan]) -> ModelState | None:
        """Return a model that a person must see to, since its provider refuses every call.

        No gateway has to answer for a draw: the pairs wait for it in their stream.
        """
        now = time.monotonic()
        if now - self._models_at >= MODELS_FRESH_S:
            self._models_at = now
            with suppress(RetryLaterError):
                request = self._runtime.rpc.request(GATEWAY_STATE, EmptyRequest(), patience_s=0)
                self._models = (await request).models
        needed = {name for plan in plans for name in plan.models}
        stopped = (model for model in self._models if model.stopped and model.model in needed)
        return next(stopped, None)
