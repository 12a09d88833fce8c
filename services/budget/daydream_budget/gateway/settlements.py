"""Settle attempts behind the answers: no caller waits for it.

    pending -> sent -> settled

Attempts that end while a request is under way go together in the next one. If the ledger does not
answer, they are sent again for `PATIENCE_S`; after that they count in full when their time is up.
So does what a killed gateway had not sent, unless its call is asked again (see `purchase`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from daydream_contracts.errors import DaydreamError, RetryLaterError, TransientError
from daydream_contracts.rpc import SETTLEMENTS_MAX, Settle, SettleAttempts
from daydream_contracts.topology import BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

log = logging.getLogger(__name__)
PATIENCE_S = 60.0
PAUSE_S = 1.0  # after the ledger has refused for now


@dataclass(frozen=True)
class PendingSettlement:
    """A settlement that the ledger does not have yet. `done` ends with it."""

    settle: Settle
    done: asyncio.Future[None]
    deadline: float = field(default_factory=lambda: time.monotonic() + PATIENCE_S)

    def end(self, error: DaydreamError | None = None) -> None:
        """Tell who waits that it is settled, or why it was given up."""
        if error is not None:
            log.warning("The attempt %s is not settled: %s", self.settle.attempt_id, error)
        if self.done.cancelled():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
            self.done.exception()  # it is logged, and few wait for it


class Settlements:
    """The settlements of one replica."""

    def __init__(self, rpc: RpcClient) -> None:
        self._rpc = rpc
        self._pending: deque[PendingSettlement] = deque()
        self._sender: asyncio.Task[None] | None = None

    def add(self, settle: Settle) -> asyncio.Future[None]:
        """Settle an attempt. The future tells when the ledger has it, or raises DaydreamError."""
        done = asyncio.get_running_loop().create_future()
        self._pending.append(PendingSettlement(settle, done))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        return done

    async def finish(self, timeout_s: float) -> None:
        """Wait until all are settled, at most `timeout_s`."""
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=timeout_s)
            self._sender.cancel()
        for settlement in self._pending:
            log.warning("The attempt %s is not settled.", settlement.settle.attempt_id)

    async def _send(self) -> None:
        while self._pending:
            batch = [self._pending.popleft() for _ in range(self._batch_size())]
            request = SettleAttempts(attempts=tuple(settlement.settle for settlement in batch))
            try:
                await self._rpc.request(BUDGET_SETTLE, request)
            except (RetryLaterError, TransientError) as error:
                self._keep(batch, error)
                await asyncio.sleep(PAUSE_S)
            except DaydreamError as error:
                for settlement in batch:
                    settlement.end(error)
            else:
                for settlement in batch:
                    settlement.end()

    def _batch_size(self) -> int:
        return min(len(self._pending), SETTLEMENTS_MAX)

    def _keep(self, batch: Sequence[PendingSettlement], error: DaydreamError) -> None:
        """Keep for the next request what there is still time for."""
        now = time.monotonic()
        for settlement in batch:
            if settlement.deadline > now:
                self._pending.append(settlement)
            else:
                settlement.end(error)
