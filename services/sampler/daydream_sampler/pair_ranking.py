"""Rank the claims that wait, by one request to the synthesizer for all of them.

Off unless `DAYDREAM_SAMPLER_SCREEN` is on. A server that gives no token probabilities can't rank:
then pairs pass, and none waits again until the next start.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import UTC, datetime

from daydream_contracts.access import are_isolated
from daydream_contracts.events import ScreenRank
from daydream_contracts.rpc import PairFound, ScreenedPairs, ScreenPairs, ScreenState
from daydream_contracts.topology import SYNTHESIZER_SCREEN
from daydream_runtime.cas_state import CasState
from daydream_runtime.rpc import RpcClient
from daydream_sampler.claim import Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_facts import facts_of, known
from daydream_sampler.screen_policy import BATCH, MEASURED, QUARTERS, ranks_of
from daydream_sampler.screening import batch_of, end_waiting, screen_id_of
from daydream_sampler.strategy_history import StrategyHistory

log = logging.getLogger(__name__)
TRY_S, PATIENCE_S = 120.0, 300.0  # a model answers
RANKED_MIN = 4  # fewer pairs pass without a rank


class PairRanking:
    """Let claims wait, and rank them. `floor`: share of the draws that always pass."""

    def __init__(self, rpc: RpcClient, epoch: CasState[Epoch], *, on: bool, floor: float) -> None:
        self._rpc = rpc
        self._epoch = epoch
        self._on = on
        self._floor = floor
        self._problem = ""

    def state(self, history: StrategyHistory) -> ScreenState:
        """Return what ranking has shown."""
        if not self._on:
            return ScreenState()
        state = history.screen_record(self._floor).state(problem=self._problem)
        return state.model_copy(update={"nanousd_per_pair": history.screen.nanousd_per_pair})

    def wants(self, claim: Claim, history: StrategyHistory) -> bool:
        """Return whether this claim is to wait: all do if the screen pays, else some to measure."""
        if not self._on or self._problem or claim.screened or claim.epoch:
            return False
        if history.screen_record(self._floor).kept_quarters() < QUARTERS:
            return True
        return random.Random(f"rank:{claim.claim_id}:{claim.number}").random() < MEASURED

    async def rank(
        self, epoch: Epoch, history: StrategyHistory, *, all_waiting: bool = False
    ) -> bool:
        """Rank a batch, if one is full. With `all_waiting`, rank fewer. Return whether it did.

        `epoch` is the current one. Claims that wait are ranked also after ranking was turned off.
        """
        batch = batch_of(epoch, waiting_min=1 if all_waiting else BATCH)
        if not batch:
            return False
        ranks = await self._ranks(epoch, batch, history)
        now = datetime.now(UTC)
        await self._epoch.change(lambda current: (end_waiting(current, batch, ranks, now), None))
        return True

    async def _ranks(
        self, epoch: Epoch, batch: Sequence[Claim], history: StrategyHistory
    ) -> dict[str, ScreenRank]:
        """Return the ranks by claim. Facts of two teams are in no prompt together."""
        facts_by_place = await facts_of(self._rpc, batch)
        pairs = [known(claim, facts) for claim, facts in zip(batch, facts_by_place, strict=True)]
        team = next((name for pair in pairs for name in _teams(pair) if name), "")
        shown = [
            (claim, pair)
            for claim, pair in zip(batch, pairs, strict=True)
            if not any(are_isolated(team, other) for other in _teams(pair))
        ]
        if len(shown) < RANKED_MIN:
            return {}
        request = ScreenPairs(
            screen_id=screen_id_of(epoch, batch),
            pairs=tuple((pair.first, pair.second) for _, pair in shown),
        )
        reply: ScreenedPairs = await self._rpc.request(
            SYNTHESIZER_SCREEN, request, try_s=TRY_S, patience_s=PATIENCE_S
        )
        if reply.problem:
            log.warning("pairs are not ranked before they are written about: %s", reply.problem)
            self._problem = reply.problem
            return {}
        kept = history.screen_record(self._floor).kept_quarters()
        strategies = [claim.strategy for claim, _ in shown]
        ranks = ranks_of(reply.probabilities, strategies, kept, reply.cost_nanousd)
        return {claim.claim_id: rank for (claim, _), rank in zip(shown, ranks, strict=True)}


def _teams(pair: PairFound) -> tuple[str, str]:
    return pair.first.team, pair.second.team
