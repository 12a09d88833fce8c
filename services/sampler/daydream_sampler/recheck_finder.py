"""Find out, when a round begins, which discarded pairs are due to be drawn again."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daydream_contracts.rpc import FindNeighbours, NeighbourQuery
from daydream_contracts.topology import MEMORY_NEIGHBOURHOODS
from daydream_models.reservations import StagePlan
from daydream_runtime.rpc import RpcClient
from daydream_sampler.candidates import NEAREST
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.strategies.recheck import (
    CHECKED_PER_ROUND,
    DiscardedPair,
    DuePair,
    why_due,
)
from daydream_sampler.strategy_history import StrategyHistory


@dataclass(frozen=True)
class RecheckFinder:
    """Check a few discarded pairs, different ones in each round. `after`: the age at which one is
    due.
    """

    rpc: RpcClient
    after: timedelta

    async def due(
        self, epoch: Epoch, history: StrategyHistory, plans: Iterable[StagePlan], facts: int
    ) -> tuple[DuePair, ...]:
        """Return the pairs that are due if the round is over, else none."""
        # pairs of earlier epochs belong to a memory with other ordinals
        numbers = sorted(
            number for number, pair in history.discarded.items() if pair.epoch >= epoch.number
        )
        if epoch.drawn < epoch.round.until or not numbers:
            return ()
        models = {name for plan in plans for name in plan.models}
        chosen = random.Random(f"{epoch.key}:{epoch.round.number}:discarded")
        checked = chosen.sample(numbers, min(CHECKED_PER_ROUND, len(numbers)))
        results = [
            await self._check(history.discarded[number], models, facts) for number in checked
        ]
        return tuple(pair for pair in results if pair is not None)

    async def _check(self, pair: DiscardedPair, models: set[str], facts: int) -> DuePair | None:
        ordinals = ordinals_of(pair.number)
        if max(ordinals) >= facts:  # the memory had more facts when it was drawn
            return None
        queries = tuple(NeighbourQuery(ordinal=ordinal) for ordinal in ordinals)
        query = FindNeighbours(queries=queries, near=NEAREST)
        reply = await self.rpc.request(MEMORY_NEIGHBOURHOODS, query)
        if any(neighbours[0].hidden for neighbours in reply.neighbourhoods):
            return None
        near = [[neighbour.ordinal for neighbour in others] for _, *others in reply.neighbourhoods]
        now = datetime.now(UTC)
        why = why_due(pair, now=now, after=self.after, models=models, neighbours=near)
        return DuePair(number=pair.number, epoch=pair.epoch + 1, why=why) if why else None
