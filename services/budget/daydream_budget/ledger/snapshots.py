"""Snapshots of the books, so that a restart folds the tail only. A snapshot is a cache: without one, everything is replayed.

It also guards the ledger: the fold refuses to serve when the stream is shorter than its mirror or than the snapshot, for
then entries were lost, and what they say was spent could be granted again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from zoneinfo import ZoneInfo

import nats.errors
from nats.js import JetStreamContext
from pydantic import BaseModel, ValidationError

from daydream_budget.ledger.accounts import Account, Accounts
from daydream_budget.ledger.controls import SoftLimitState
from daydream_budget.ledger.reservations import (
    Attempt,
    CostStats,
    ReleasedReservation,
    Reservation,
    StageTotals,
)
from daydream_budget.ledger.state import LedgerState
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import ChangeRecord, SetLimit, SetTax, Window
from daydream_contracts.topology import LEDGER, LEDGER_MIRROR, SNAPSHOT_OBJECTS
from daydream_runtime.object_store import fetch

log = logging.getLogger(__name__)
OBJECT = "books.v2"
READ_S = 10.0


class LedgerSnapshot(BaseModel):
    """The books after the commit at `sequence`."""

    sequence: int
    at: datetime | None
    accounts: dict[str, Account]
    limits: list[SetLimit]
    tax: SetTax
    zone: str
    paused: bool
    changes: dict[str, ChangeRecord]
    crossed: list[tuple[str, Window, SoftLimitState]]
    foreground: dict[int, int]
    foreground_total: int
    reports: dict[str, datetime]
    reservations: dict[str, Reservation]
    attempts: dict[str, Attempt]
    outstanding: list[str]
    expired: dict[str, datetime]
    closed: dict[str, ReleasedReservation]
    spend: list[tuple[str, str, StageTotals]]
    paid: dict[str, CostStats]
    sums: dict[str, int]

    @classmethod
    def of(cls, books: LedgerState, sequence: int) -> LedgerSnapshot:
        controls = books.controls
        return cls.model_construct(
            sequence=sequence,
            at=books.at,
            accounts=books.accounts.by_scope,
            limits=list(controls.limits.values()),
            tax=controls.tax,
            zone=controls.zone_name,
            paused=controls.paused,
            changes=controls.changes,
            crossed=[
                (scope, window, crossing) for (scope, window), crossing in controls.crossed.items()
            ],
            foreground=books.foreground.quarters,
            foreground_total=books.foreground.total,
            reports=books.foreground.reports,
            reservations=books.reservations,
            attempts=books.attempts,
            outstanding=list(books.outstanding),
            expired=books.expired,
            closed=books.closed,
            spend=[(*key, value) for key, value in books.spend.items()],
            paid=books.paid,
            sums=books.sums,
        )

    def books(self) -> LedgerState:
        books = LedgerState()
        books.at = self.at
        books.accounts = Accounts(books.journal, self.accounts)
        controls = books.controls
        controls.limits = {(limit.scope, limit.window): limit for limit in self.limits}
        controls.tax, controls.paused, controls.changes = self.tax, self.paused, self.changes
        controls.zone_name, controls.zone = self.zone, ZoneInfo(self.zone)
        controls.crossed = {(scope, window): crossing for scope, window, crossing in self.crossed}
        books.foreground.quarters, books.foreground.total, books.foreground.reports = (
            self.foreground,
            self.foreground_total,
            self.reports,
        )
        books.reservations, books.attempts, books.expired, books.closed = (
            self.reservations,
            self.attempts,
            self.expired,
            self.closed,
        )
        books.outstanding = dict.fromkeys(self.outstanding, True)
        books.spend = {(stage, model): row for stage, model, row in self.spend}
        books.paid, books.sums = self.paid, self.sums
        books.remember_expiries()
        return books


async def save(js: JetStreamContext, books: LedgerState, sequence: int) -> int:
    """Store a snapshot; its sequence, or 0: a failure is logged only, since the ledger itself is the truth."""
    content = LedgerSnapshot.of(books, sequence).model_dump_json().encode()
    try:
        store = await js.object_store(SNAPSHOT_OBJECTS)
        await store.put(OBJECT, content)
    except (nats.errors.Error, TimeoutError) as error:
        log.warning("no snapshot was stored: %r", error)
        return 0
    return sequence


async def load(js: JetStreamContext) -> tuple[LedgerState, int]:
    """The books of the last snapshot and its sequence; empty ones and 0 without a readable snapshot."""
    try:
        store = await js.object_store(SNAPSHOT_OBJECTS)
        found = await fetch(store, OBJECT, within_s=READ_S)
        if found is None:
            return LedgerState(), 0
        snapshot = LedgerSnapshot.model_validate_json(found)
    except (ValidationError, nats.errors.Error, TimeoutError) as error:
        log.warning("the snapshot can't be read, so the whole ledger is replayed: %r", error)
        return LedgerState(), 0
    return snapshot.books(), snapshot.sequence


async def refuse_a_cut_ledger(js: JetStreamContext, snapshot_sequence: int) -> None:
    """ConfigurationError when entries are missing at the end of the ledger."""
    mirror = (
        await js.stream_info(LEDGER_MIRROR)
    ).state.last_seq  # before the ledger, which grows meanwhile
    ledger = (await js.stream_info(LEDGER)).state.last_seq
    known = max(mirror, snapshot_sequence)
    if ledger < known:
        raise ConfigurationError(
            f"the ledger ends at entry {ledger}, but entry {known} is known to have existed",
            "Money that was spent would be granted again, so nothing is granted. Restore the LEDGER stream from its mirror or a backup",
        )
