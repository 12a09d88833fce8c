"""Settle attempts behind the answers: no caller waits for it.

    pending -> sent -> settled

A settlement travels with the next request to authorize: one request and one synced write fewer for
each call. If none comes within `TRAVEL_S`, what is pending goes in its own request. If the
ledger does not answer, it is sent again for `PATIENCE_S`. What was given up, or not sent when the
gateway was killed, is settled when its time is up: with the cost in the stored answer, if there is
one, or else in full.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from daydream_contracts.errors import DaydreamError, RetryLaterError, TransientError
from daydream_contracts.rpc import HALT_REASONS, SETTLEMENTS_MAX, Grant, Settle, SettleAttempts
from daydream_contracts.topology import BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

log = logging.getLogger(__name__)
PATIENCE_S = 60.0
PAUSE_S = 1.0  # after the ledger has refused for now
# Short beside a model call. What a killed gateway has not sent by then is settled later.
TRAVEL_S = 0.05


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
        self._failed: deque[PendingSettlement] = deque()  # they travel with no other request
        self._sender: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def add(self, settle: Settle) -> asyncio.Future[None]:
        """Settle an attempt. The future tells when the ledger has it, or raises DaydreamError."""
        done = asyncio.get_running_loop().create_future()
        self._pending.append(PendingSettlement(settle, done))
        self._start()
        return done

    async def travel(self, authorize: Callable[[tuple[Settle, ...]], Awaitable[Grant]]) -> Grant:
        """Return the reply to a request that takes what is pending with it."""
        batch = _taken(self._pending)
        try:
            grant = await authorize(tuple(settlement.settle for settlement in batch))
        except BaseException:
            self._failed.extend(batch)
            self._start()
            raise
        if grant.refusal is not None and grant.refusal.reason in HALT_REASONS:
            self._failed.extend(batch)
            self._start()
        else:
            for settlement in batch:
                settlement.end()
        return grant

    async def finish(self, timeout_s: float) -> None:
        """Wait until all are settled, at most `timeout_s`."""
        self._stopping.set()
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=timeout_s)
            self._sender.cancel()
        for settlement in (*self._failed, *self._pending):
            log.warning("The attempt %s is not settled.", settlement.settle.attempt_id)

    def _start(self) -> None:
        """Send what is left after a moment, unless that is being done."""
        if (self._pending or self._failed) and (self._sender is None or self._sender.done()):
            self._sender = asyncio.create_task(self._send())

    async def _send(self) -> None:
        await self._pause(TRAVEL_S)
        while batch := _taken(self._failed) or _taken(self._pending):
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
            await self._pause(TRAVEL_S)

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the gateway stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    def _keep(self, batch: Sequence[PendingSettlement], error: DaydreamError) -> None:
        """Keep for the next request what there is still time for."""
        now = time.monotonic()
        for settlement in batch:
            if settlement.deadline > now:
                self._failed.append(settlement)
            else:
                settlement.end(error)


def _taken(settlements: deque[PendingSettlement]) -> list[PendingSettlement]:
    """Take the first ones, as many as one request may have."""
    return [settlements.popleft() for _ in range(min(len(settlements), SETTLEMENTS_MAX))]
