"""Begin a new epoch when the ordinals of the memory mean other facts than before.

That is so after a restore from a backup, or when the memory was begun again.

Data: the memory's generation → the pairs that it has verdicts of are taken in the new epoch first,
so that none is paid for twice → the new epoch.
What can fail: this process, anywhere (the next one does all of it again, with the same numbers).
Another replica may be faster: one of them wins, and both know the same pairs.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from daydream_contracts.rpc import JudgedPairs
from daydream_contracts.topology import MEMORY_JUDGED_PAIRS
from daydream_runtime.cas_state import CasState
from daydream_runtime.rpc import RpcClient
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import EPOCHS_APART, Epoch
from daydream_sampler.pair_numbers import pair_number

log = logging.getLogger(__name__)
TAKEN_AT_ONCE = 64
JUDGED = "judged-before"


@dataclass(frozen=True)
class EpochRenewer:
    """Keep the epoch in step with the memory's generation."""

    rpc: RpcClient
    epoch: CasState[Epoch]

    async def follow(self, drawn: DrawnPairs, epoch: Epoch, generation: str) -> DrawnPairs:
        """Return the drawn pairs of the epoch of this generation: `drawn` if nothing changed.

        `epoch` is the current one.
        """
        if generation and epoch.memory != generation:
            if epoch.memory:
                await self._begin(drawn, epoch, generation)
            else:  # the first look at the memory
                await self.epoch.change(lambda now: (_with_memory(now, generation), None))
            epoch = await self.epoch.read()
        return drawn if drawn.epoch == epoch.number else drawn.of(epoch.number)

    async def _begin(self, drawn: DrawnPairs, old: Epoch, generation: str) -> None:
        number = (old.number // EPOCHS_APART + 1) * EPOCHS_APART
        await self._take_judged(drawn.of(number), number)

        def renew(now: Epoch) -> tuple[Epoch, None]:
            return now.renewed(number, generation) if now.memory == old.memory else now, None

        await self.epoch.change(renew)
        log.warning("the memory has a new generation: pairs are drawn in epoch %d", number)

    async def _take_judged(self, drawn: DrawnPairs, number: int) -> None:
        """Take all pairs that have a verdict."""
        position: int | None = 0
        while position is not None:
            page = await self.rpc.request(MEMORY_JUDGED_PAIRS, JudgedPairs(after=position))
            for start in range(0, len(page.pairs), TAKEN_AT_ONCE):
                pairs = page.pairs[start : start + TAKEN_AT_ONCE]
                await asyncio.gather(
                    *(drawn.take(pair_number(*pair), JUDGED, number) for pair in pairs)
                )
            position = page.next


def _with_memory(epoch: Epoch, generation: str) -> Epoch:
    return epoch if epoch.memory else epoch.model_copy(update={"memory": generation})
