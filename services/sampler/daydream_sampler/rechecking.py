"""Finds out, when a round begins, which of the dull pairs are due once more."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from daydream_sampler.epoch import Epoch, ordinals_of
from daydream_sampler.proposing import NEAR
from daydream_sampler.strategies.recheck import LOOKED_AT, Due, Dull, why_due
from daydream_sampler.yields import Yields
from daydream_shared.money.plans import StagePlan
from daydream_shared.requests import Around, Place
from daydream_shared.runtime import Runtime
from daydream_shared.subjects import MEMORY_AROUND


class Rechecking:
    """Looks at a few dull pairs, others in each round."""

    def __init__(self, runtime: Runtime, after: timedelta) -> None:
        self._runtime = runtime
        self._after = after

    async def due(self, epoch: Epoch, yields: Yields, plans: Iterable[StagePlan], facts: int) -> tuple[Due, ...]:
        """Those that are due, when the round is over; else none."""
        dulls = sorted(number for number, dull in yields.dull.items() if dull.epoch >= epoch.number)  # earlier ones are of a memory with other ordinals
        if epoch.drawn < epoch.round.until or not dulls:
            return ()
        models = {name for plan in plans for name in plan.models}
        chance = random.Random(f"{epoch.key}:{epoch.round.number}:dull")
        looked_at = chance.sample(dulls, min(LOOKED_AT, len(dulls)))
        found = [await self._one(yields.dull[number], models, facts) for number in looked_at]
        return tuple(one for one in found if one)

    async def _one(self, dull: Dull, models: set[str], facts: int) -> Due | None:
        low, high = ordinals_of(dull.number)
        if high >= facts:  # the memory knew more when it was drawn
            return None
        around = await self._runtime.ask(MEMORY_AROUND, Around(places=(Place(ordinal=low), Place(ordinal=high)), near=NEAR))
        if any(seen[0].hidden for seen in around.seen):
            return None
        neighbours = [[one.ordinal for one in others] for _, *others in around.seen]
        why = why_due(dull, now=datetime.now(UTC), after=self._after, models=models, neighbours=neighbours)
        return Due(number=dull.number, epoch=dull.epoch + 1, why=why) if why else None
