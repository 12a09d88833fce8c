"""Finds out, when a round begins, which of the dull pairs are due once more."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from daydream_contracts.rpc import FindNeighbours, NeighbourQuery
from daydream_contracts.topology import MEMORY_NEIGHBOURHOODS
from daydream_models.reservations import StagePlan
from daydream_runtime.service import Runtime
from daydream_sampler.epoch import Epoch, ordinals_of
from daydream_sampler.proposal import NEAR
from daydream_sampler.strategies.recheck import LOOKED_AT, DiscardedPair, DuePair, why_due
from daydream_sampler.strategy_history import StrategyHistory


class RecheckFinder:
    """Looks at a few dull pairs, others in each round."""

    def __init__(self, runtime: Runtime, after: timedelta) -> None:
        self._runtime = runtime
        self._after = after

    async def due(
        self, epoch: Epoch, yields: StrategyHistory, plans: Iterable[StagePlan], facts: int
    ) -> tuple[DuePair, ...]:
        """Those that are due, when the round is over; else none."""
        dulls = sorted(
            number for number, dull in yields.dull.items() if dull.epoch >= epoch.number
        )  # earlier ones are of a memory with other ordinals
        if epoch.drawn < epoch.round.until or not dulls:
            return ()
        models = {name for plan in plans for name in plan.models}
        chance = random.Random(f"{epoch.key}:{epoch.round.number}:dull")
        looked_at = chance.sample(dulls, min(LOOKED_AT, len(dulls)))
        found = [await self._one(yields.dull[number], models, facts) for number in looked_at]
        return tuple(one for one in found if one)

    async def _one(self, dull: DiscardedPair, models: set[str], facts: int) -> DuePair | None:
        low, high = ordinals_of(dull.number)
        if high >= facts:  # the memory knew more when it was drawn
            return None
        around = await self._runtime.ask(
            MEMORY_NEIGHBOURHOODS,
            FindNeighbours(
                places=(NeighbourQuery(ordinal=low), NeighbourQuery(ordinal=high)), near=NEAR
            ),
        )
        if any(seen[0].hidden for seen in around.seen):
            return None
        neighbours = [[one.ordinal for one in others] for _, *others in around.seen]
        why = why_due(
            dull, now=datetime.now(UTC), after=self._after, models=models, neighbours=neighbours
        )
        return DuePair(number=dull.number, epoch=dull.epoch + 1, why=why) if why else None
