"""Background work of one replica: snapshots, sweeps, and moving old commits into the archive.

A crash at any moment is harmless: a snapshot is a cache, a sweep is repeated, and the archive is
written before the stream drops a commit.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import nats.errors
from nats.js import JetStreamContext

from daydream_budget.ledger import archive, snapshots
from daydream_budget.ledger.broker_clock import CHECK_S
from daydream_budget.ledger.chain import ChainPosition
from daydream_budget.ledger.ledger import Ledger
from daydream_budget.ledger.state import LedgerState
from daydream_budget.settings import BudgetSettings
from daydream_runtime.runtime_context import Runtime

log = logging.getLogger(__name__)
SNAPSHOT_TIME_SHARE = 0.01  # a snapshot of a large state takes long, so the next one waits longer


@dataclass
class SnapshotKeeper:
    """Store a snapshot every `commits_min` commits, for at most 1 % of the time.

    `stored` is the sequence of the last stored snapshot, 0 before the first one.
    """

    js: JetStreamContext
    commits_min: int
    stored: int = 0
    _commits: int = 0
    _not_before: float = 0.0

    async def after_commit(self, state: LedgerState, position: ChainPosition) -> None:
        """Count a commit, and store a snapshot if one is due."""
        self._commits += 1
        started = time.monotonic()
        if self._commits < self.commits_min or started < self._not_before:
            return
        self._commits = 0
        self.stored = await snapshots.save(self.js, state, position) or self.stored
        finished = time.monotonic()
        self._not_before = finished + (finished - started) / SNAPSHOT_TIME_SHARE


@dataclass(frozen=True)
class Maintenance:
    """The background loops of one replica. They run until the service stops."""

    runtime: Runtime
    settings: BudgetSettings
    ledger: Ledger
    keeper: SnapshotKeeper

    async def sweep(self) -> None:
        """Sweep the ledger again and again."""
        while not self.runtime.stopping.is_set():
            await self.runtime.pause(self.settings.sweep_s)
            try:
                await self.ledger.sweep(self.settings.reservation_idle_s)
            except (nats.errors.Error, ConnectionError, TimeoutError) as error:
                log.warning("The sweep is waiting for NATS: %r", error)

    async def watch_clock(self) -> None:
        """Compare the clock with the broker's every few seconds."""
        while not self.runtime.stopping.is_set():
            try:
                await self.ledger.clock.check()
            except (nats.errors.Error, ConnectionError, TimeoutError) as error:
                log.debug("The clock can't be compared with NATS's clock: %r", error)
            await self.runtime.pause(CHECK_S)

    async def compact(self) -> None:
        """Move old commits into the archive once after each snapshot."""
        tried = 0
        while not self.runtime.stopping.is_set():
            await self.runtime.pause(self.settings.sweep_s)
            if self.keeper.stored == tried:
                continue
            tried = self.keeper.stored
            try:
                await archive.compact(self.runtime.js, tried - self.settings.keep_commits)
            except (
                archive.ArchiveMismatchError,
                nats.errors.Error,
                ConnectionError,
                TimeoutError,
            ) as error:
                log.error("Archiving failed; trying again after the next snapshot: %r", error)
