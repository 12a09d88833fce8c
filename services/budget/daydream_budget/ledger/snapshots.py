"""Snapshots of the ledger state, so that a restart reads the tail only.

A snapshot is a cache: without one, the whole ledger is replayed. It also guards the ledger. The
service refuses to start when the stream is shorter than its mirror or than the snapshot: entries
were lost, and the money they spent could be granted again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import nats.errors
from nats.js import JetStreamContext
from pydantic import BaseModel, Field, ValidationError

from daydream_budget.ledger.accounts import Account, Accounts
from daydream_budget.ledger.admission_queue import QueuedRequest
from daydream_budget.ledger.chain import ChainPosition
from daydream_budget.ledger.controls import SoftLimitState
from daydream_budget.ledger.cost_history import CostSamples
from daydream_budget.ledger.reservations import Attempt, ReleasedReservation, Reservation
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.stream_end import RESTORE, lost_end
from daydream_budget.ledger.totals import CostStats, KeyTotals, StageTotals
from daydream_contracts.buckets import SNAPSHOT_OBJECTS
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import ChangeRecord, SetLimit, SetTax, Window
from daydream_runtime.object_store import fetch

log = logging.getLogger(__name__)
OBJECT = "ledger-state.v1"
READ_S = 10.0


class LedgerSnapshot(BaseModel):
    """The ledger state after the message at `sequence`, and the rest of its `ChainPosition`."""

    sequence: int
    digest: str = ""
    skipped: dict[int, str] = Field(default_factory=dict)
    at: datetime | None
    accounts: dict[str, Account]
    limits: list[SetLimit]
    tax: SetTax
    zone: str
    paused: bool
    changes: dict[str, ChangeRecord]
    soft_limits: list[tuple[str, Window, SoftLimitState]]
    foreground: dict[int, int]
    foreground_total: int
    reports: dict[str, datetime]
    reservations: dict[str, Reservation]
    attempts: dict[str, Attempt]
    open_attempts: list[str]
    queue: dict[str, QueuedRequest]
    expired: dict[str, datetime]
    released: dict[str, ReleasedReservation]
    totals_by_stage: list[tuple[str, str, StageTotals]]
    totals_by_key: list[tuple[str, str, str, KeyTotals]]
    totals_by_purpose: dict[str, CostStats]
    cost_history: dict[str, CostSamples]
    reservations_released: int
    overruns: int

    @classmethod
    def of(
        cls,
        state: LedgerState,
        sequence: int,
        digest: str = "",
        skipped: Mapping[int, str] = MappingProxyType({}),
    ) -> LedgerSnapshot:
        """Take a snapshot that shares its parts with the state: store it before the next commit."""
        controls, foreground, totals = state.controls, state.foreground, state.totals
        return cls.model_construct(
            sequence=sequence,
            digest=digest,
            skipped=dict(skipped),
            at=state.at,
            accounts=state.accounts.by_scope,
            limits=list(controls.limits.values()),
            tax=controls.tax,
            zone=controls.zone_name,
            paused=controls.paused,
            changes=controls.changes,
            soft_limits=[(*key, reached) for key, reached in controls.soft_limits.items()],
            foreground=foreground.quarters,
            foreground_total=foreground.total,
            reports=foreground.reports,
            reservations=state.reservations,
            attempts=state.attempts,
            open_attempts=list(state.open_attempts),
            queue=state.queue.by_id,
            expired=state.ended.expired,
            released=state.ended.released,
            totals_by_stage=[(*key, row) for key, row in totals.by_stage.items()],
            totals_by_key=[(*key, row) for key, row in totals.by_key.items()],
            totals_by_purpose=totals.by_purpose,
            cost_history=state.cost_history.by_kind,
            reservations_released=totals.released,
            overruns=totals.overruns,
        )

    def to_state(self) -> LedgerState:
        """Return the state of this snapshot. It shares its parts, so use the snapshot once."""
        state = LedgerState()
        state.at = self.at
        state.accounts = Accounts(state.undo_log, self.accounts)
        self._restore_controls(state)
        state.foreground.quarters = self.foreground
        state.foreground.total = self.foreground_total
        state.foreground.reports = self.reports
        state.reservations = self.reservations
        state.attempts = self.attempts
        state.open_attempts = dict.fromkeys(self.open_attempts, True)
        state.queue.by_id = self.queue
        state.ended.restore(self.expired, self.released)
        totals = state.totals
        totals.by_stage = {(stage, model): row for stage, model, row in self.totals_by_stage}
        totals.by_key = {(key, team, model): row for key, team, model, row in self.totals_by_key}
        totals.by_purpose = self.totals_by_purpose
        state.cost_history.by_kind = self.cost_history
        totals.released, totals.overruns = self.reservations_released, self.overruns
        return state

    def _restore_controls(self, state: LedgerState) -> None:
        controls = state.controls
        controls.limits = {(limit.scope, limit.window): limit for limit in self.limits}
        controls.tax, controls.paused, controls.changes = self.tax, self.paused, self.changes
        controls.zone_name, controls.zone = self.zone, ZoneInfo(self.zone)
        controls.soft_limits = {
            (scope, window): reached for scope, window, reached in self.soft_limits
        }


async def save(js: JetStreamContext, state: LedgerState, position: ChainPosition) -> int:
    """Store a snapshot; return its sequence, or 0 if that failed.

    A failure is only logged, since the ledger itself is the truth.
    """
    snapshot = LedgerSnapshot.of(state, position.sequence, position.digest, position.skipped)
    content = snapshot.model_dump_json().encode()
    try:
        store = await js.object_store(SNAPSHOT_OBJECTS)
        await store.put(OBJECT, content)
    except (nats.errors.Error, TimeoutError) as error:
        log.warning("No snapshot was stored: %r", error)
        return 0
    return position.sequence


async def load(js: JetStreamContext) -> tuple[LedgerState, ChainPosition]:
    """Return the last snapshot's state and position; without one, those of an empty ledger."""
    try:
        store = await js.object_store(SNAPSHOT_OBJECTS)
        content = await fetch(store, OBJECT, within_s=READ_S)
        if content is None:
            return LedgerState(), ChainPosition()
        snapshot = LedgerSnapshot.model_validate_json(content)
    except (ValidationError, nats.errors.Error, TimeoutError) as error:
        log.warning("The snapshot can't be read; replaying the whole ledger: %r", error)
        return LedgerState(), ChainPosition()
    position = ChainPosition(snapshot.sequence, snapshot.digest, snapshot.skipped)
    return snapshot.to_state(), position


async def refuse_truncated_ledger(js: JetStreamContext, snapshot_sequence: int) -> None:
    """Raise ConfigurationError if entries are missing at the end of the ledger."""
    problem = await lost_end(js, snapshot_sequence)
    if problem is not None:
        raise ConfigurationError(
            f"{problem}. Spent money would be granted again, so nothing is granted", RESTORE
        )
