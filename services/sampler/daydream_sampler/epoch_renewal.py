"""A new epoch when the ordinals of the memory mean other facts than before: it was restored from a backup, or begun anew.

Data: the memory's generation → pairs that it has verdicts of, taken in the new epoch first, so that none is paid for twice → the new epoch.
What can fail: this process, anywhere (whoever comes next does all of it again, with the same numbers); another replica is faster (one of them wins,
and both know the same pairs).
"""

from __future__ import annotations

import asyncio
import logging

from daydream_contracts.rpc import JudgedPairs
from daydream_contracts.topology import MEMORY_JUDGED_PAIRS
from daydream_runtime.cas_state import CasState
from daydream_runtime.service import Runtime
from daydream_sampler.drawn_pairs import PairSet
from daydream_sampler.epoch import EPOCHS_APART, Epoch, number_of

log = logging.getLogger(__name__)
AT_ONCE = 64
JUDGED = "judged-before"


class EpochRenewer:
    """Keeps the epoch to the memory's generation."""

    def __init__(self, runtime: Runtime, epoch: CasState[Epoch]) -> None:
        self._runtime = runtime
        self._epoch = epoch

    async def renewed(self, drawn: PairSet, generation: str) -> PairSet:
        """The set of drawn pairs that goes with the epoch of this generation of the memory; `drawn` itself while nothing changed."""
        epoch = await self._epoch.read()
        if generation and epoch.memory != generation:
            if epoch.memory:
                number = (epoch.number // EPOCHS_APART + 1) * EPOCHS_APART
                await self._mark(drawn.of(number), number)
                await self._epoch.change(
                    lambda now: (
                        now.renewed(number, generation) if now.memory == epoch.memory else now,
                        None,
                    )
                )
                log.warning("the memory is another one: pairs are drawn in a new epoch, %d", number)
            else:  # an epoch from before there were generations
                await self._epoch.change(
                    lambda now: (
                        now if now.memory else now.model_copy(update={"memory": generation}),
                        None,
                    )
                )
            epoch = await self._epoch.read()
        return drawn if drawn.epoch == epoch.number else drawn.of(epoch.number)

    async def _mark(self, drawn: PairSet, number: int) -> None:
        """Take all pairs that have a verdict."""
        place: int | None = 0
        while place is not None:
            found = await self._runtime.ask(MEMORY_JUDGED_PAIRS, JudgedPairs(after=place))
            for start in range(0, len(found.pairs), AT_ONCE):
                await asyncio.gather(
                    *(
                        drawn.take(number_of(*pair), JUDGED, number)
                        for pair in found.pairs[start : start + AT_ONCE]
                    )
                )
            place = found.next
