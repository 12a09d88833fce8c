"""The plans of the stages, as of a moment ago.

A stage publishes its plan when it starts. A plan says what to reserve, and no cap rests on it, so a
second more or less does not matter, and the plans need not be read for each draw.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from nats.js.kv import KeyValue

from daydream_models.stage_plans import StagePlan, read_plans

FRESH_S = 1.0


class PlanCache:
    """Read the plans of some stages again once they are older than `FRESH_S`."""

    def __init__(self, bucket: KeyValue, stages: Sequence[str]) -> None:
        self._bucket = bucket
        self._stages = stages
        self._plans: Mapping[str, StagePlan] = {}
        self._read_at = -FRESH_S

    async def plans(self) -> Mapping[str, StagePlan]:
        """Return the plans by stage, without stages that have not published theirs."""
        now = time.monotonic()
        if now - self._read_at >= FRESH_S:
            self._plans = await read_plans(self._bucket, self._stages)
            self._read_at = now
        return self._plans
