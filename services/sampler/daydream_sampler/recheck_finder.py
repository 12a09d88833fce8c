"""Find out, when a round begins, which discarded pairs are due to be drawn again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daydream_contracts.rpc import NEIGHBOUR_QUERIES_MAX, FindNeighbours, Neighbour, NeighbourQuery
from daydream_contracts.topology import MEMORY_NEIGHBOURHOODS
from daydream_models.stage_plans import StagePlan
from daydream_runtime.rpc import RpcClient
from daydream_sampler.candidates import NEAREST
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.strategies.recheck import (
    CHECKED_PER_ROUND,
    DiscardedPair,
    DuePair,
    may_be_due,
    why_due,
)
from daydream_sampler.strategy_history import StrategyHistory

PAIRS_AT_ONCE = NEIGHBOUR_QUERIES_MAX // 2


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
        now = datetime.now(UTC)
        pairs = [
            pair
            for pair in map(history.discarded.__getitem__, checked)
            if may_be_due(pair, now=now, after=self.after)
            and max(ordinals_of(pair.number)) < facts  # the memory had more when it was drawn
        ]
        results: list[DuePair | None] = []
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            results += await self._check(pairs[start : start + PAIRS_AT_ONCE], models)
        return tuple(due for due in results if due is not None)

    async def _check(
        self, pairs: Sequence[DiscardedPair], models: set[str]
    ) -> list[DuePair | None]:
        """Ask for the neighbours of both facts of all these pairs at once."""
        ordinals = [ordinal for pair in pairs for ordinal in ordinals_of(pair.number)]
        queries = tuple(NeighbourQuery(ordinal=ordinal) for ordinal in ordinals)
        query = FindNeighbours(queries=queries, near=NEAREST)
        reply = await self.rpc.request(MEMORY_NEIGHBOURHOODS, query)
        both_facts = zip(reply.neighbourhoods[::2], reply.neighbourhoods[1::2], strict=True)
        return [self._due(pair, models, both) for pair, both in zip(pairs, both_facts, strict=True)]

    def _due(
        self, pair: DiscardedPair, models: set[str], both: Sequence[Sequence[Neighbour]]
    ) -> DuePair | None:
        """Return a pair that is due by the neighbours of both its facts, else None."""
        if any(neighbours[0].hidden for neighbours in both):
            return None
        near = [[neighbour.ordinal for neighbour in others] for _, *others in both]
        now = datetime.now(UTC)
        why = why_due(pair, now=now, after=self.after, models=models, neighbours=near)
        return DuePair(number=pair.number, epoch=pair.epoch + 1, why=why) if why else None
