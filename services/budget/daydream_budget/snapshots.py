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
from nats.js.errors import NotFoundError
from pydantic import BaseModel, ValidationError

from daydream_budget.books import Attempt, Books, Envelope, Spend
from daydream_shared.failures import WrongSetting
from daydream_shared.requests import Window
from daydream_shared.subjects import SNAPSHOT_OBJECTS

log = logging.getLogger(__name__)
OBJECT = "books.v1"


class Snapshot(BaseModel):
    """The books after the commit at `sequence`."""

    sequence: int
    at: datetime | None
    caps: dict[Window, int]
    changes: list[str]
    envelopes: dict[str, Envelope]
    attempts: dict[str, Attempt]
    outstanding: list[str]
    ended: dict[str, datetime]
    spend: list[tuple[str, str, Spend]]
    sums: dict[str, int]
    days: dict[str, int]

    @classmethod
    def of(cls, books: Books, sequence: int) -> Snapshot:
        return cls(
            sequence=sequence, at=books.at, caps=books.caps, changes=list(books.changes), envelopes=books.envelopes,
            attempts=books.attempts, outstanding=list(books.outstanding), ended=books.ended,
            spend=[(*key, value) for key, value in books.spend.items()], sums=books.sums, days=books.days,
        )  # fmt: skip

    def books(self, zone: ZoneInfo) -> Books:
        return Books(
            zone=zone, at=self.at, caps=self.caps, changes=dict.fromkeys(self.changes, True), envelopes=self.envelopes,
            attempts=self.attempts, outstanding=dict.fromkeys(self.outstanding, True), ended=self.ended,
            spend={(stage, model): value for stage, model, value in self.spend}, sums=self.sums, days=self.days,
        )  # fmt: skip


async def save(js: JetStreamContext, books: Books, sequence: int) -> None:
    """Store a snapshot; a failure is logged only, since the ledger itself is the truth."""
    try:
        store = await js.object_store(SNAPSHOT_OBJECTS)
        await store.put(OBJECT, Snapshot.of(books, sequence).model_dump_json().encode())
    except (nats.errors.Error, TimeoutError) as error:
        log.warning("no snapshot was stored: %r", error)


async def load(js: JetStreamContext, zone: ZoneInfo) -> tuple[Books, int]:
    """The books of the last snapshot and its sequence; empty ones and 0 without a readable snapshot."""
    try:
        store = await js.object_store(SNAPSHOT_OBJECTS)
        found = await store.get(OBJECT)
        snapshot = Snapshot.model_validate_json(found.data or b"")
    except NotFoundError:
        return Books(zone), 0
    except (ValidationError, nats.errors.Error) as error:
        log.warning("the snapshot can't be read, so the whole ledger is replayed: %r", error)
        return Books(zone), 0
    return snapshot.books(zone), snapshot.sequence


async def refuse_a_cut_ledger(js: JetStreamContext, snapshot_sequence: int) -> None:
    """WrongSetting when entries are missing at the end of the ledger."""
    ledger = (await js.stream_info("LEDGER")).state.last_seq
    mirror = (await js.stream_info("LEDGER_MIRROR")).state.last_seq
    known = max(mirror, snapshot_sequence)
    if ledger < known:
        raise WrongSetting(
            f"the ledger ends at entry {ledger}, but entry {known} is known to have existed",
            "Money that was spent would be granted again, so nothing is granted. Restore the LEDGER stream from its mirror or a backup",
        )
