"""Read the ledger's stream into tables: entries as they are, and spend per hour.

The console may not import the budget service, so it reads the JSON of the entries, whose form is
stable. An entry of an unknown kind is stored with its kind alone. Nothing here decides about money.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nats.js import JetStreamContext

from daydream_contracts.topology import LEDGER
from daydream_runtime.loop_errors import TRANSIENT_ERRORS
from daydream_runtime.stream_reader import StreamReader

FOLLOW_S = 3.0
ENTRIES_MAX = 200_000
RESERVATIONS_MAX = 200_000  # whose purpose is known; of a daydream that waits longer it is not
PRUNE_EVERY = 1000
TEXT_CHARS = 300
UNKNOWN = {"stage": "", "model": "", "team": "", "reservation_id": ""}


@dataclass
class SpendingFollower:
    """Follow the ledger into the database of the insight index."""

    database: sqlite3.Connection
    js: JetStreamContext
    pause: Callable[[float], Awaitable[None]]

    def __post_init__(self) -> None:
        self._reader = StreamReader(self.js, LEDGER)

    async def follow(self) -> None:
        """Read until the task is cancelled."""
        while True:
            with contextlib.suppress(*TRANSIENT_ERRORS):  # the diagnosis names the cause
                await self.catch_up()
            await self.pause(FOLLOW_S)

    async def catch_up(self) -> None:
        """Read the commits that came since. Start again if the stream was made again."""
        info = await self.js.stream_info(LEDGER)
        created, last = str(info.created), info.state.last_seq
        after = self._mark(created)
        if after > last:
            after = self._mark("")
        async for sequence, message in self._reader.read(after):
            self.add(sequence, message.data)
            if sequence % PRUNE_EVERY == 0:
                self.prune()
            last = max(last, sequence)
        self._set_mark(created, last)

    def add(self, sequence: int, body: bytes) -> None:
        """Store the entries of one commit. An unreadable one is the ledger's own alarm."""
        try:
            commit = json.loads(body)
            at = datetime.fromisoformat(commit["at"])
            entries = list(commit["entries"])
        except (ValueError, KeyError, TypeError):
            return
        for number, entry in enumerate(entries):
            self._add_entry(sequence, number, at, entry)

    def _add_entry(self, sequence: int, number: int, at: datetime, entry: dict[str, Any]) -> None:
        kind = str(entry.get("kind", ""))
        if kind == "reservation-opened":
            self._remember_reservation(entry)
        if kind == "attempt-authorized":
            self._remember_attempt(entry)
        where = self._where(entry)
        amount = _amount(entry)
        stored = self.database.execute(
            "insert or ignore into ledger values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                sequence,
                number,
                at.timestamp(),
                kind,
                where["stage"],
                where["model"],
                where["team"],
                where["purpose"],
                where["key"],
                amount,
                where["reservation_id"],
                str(entry.get("attempt_id", "")),
                str(entry.get("who", "")),
                _text(entry),
            ),
        ).rowcount
        if stored and kind == "attempt-settled":
            self._add_spend(at, where, amount or 0)
            self.database.execute(
                "delete from attempts where attempt_id = ?", (entry.get("attempt_id"),)
            )

    def _remember_reservation(self, entry: dict[str, Any]) -> None:
        self.database.execute(
            "insert or replace into reservations values(?, ?, ?)",
            (entry.get("reservation_id"), entry.get("purpose", "daydream"), _key(entry)),
        )

    def _remember_attempt(self, entry: dict[str, Any]) -> None:
        fields = ("attempt_id", "stage", "model", "team", "reservation_id")
        self.database.execute(
            "insert or replace into attempts values(?, ?, ?, ?, ?)",
            [str(entry.get(field, "")) for field in fields],
        )

    def _where(self, entry: dict[str, Any]) -> dict[str, str]:
        attempt = self.database.execute(
            "select * from attempts where attempt_id = ?", (entry.get("attempt_id", ""),)
        ).fetchone()
        known = dict(attempt) if attempt else UNKNOWN
        where = {field: str(entry.get(field) or known[field]) for field in UNKNOWN}
        reservation = self.database.execute(
            "select purpose, key from reservations where reservation_id = ?",
            (where["reservation_id"],),
        ).fetchone()
        return {**where, **(dict(reservation) if reservation else {"purpose": "", "key": ""})}

    def _add_spend(self, at: datetime, where: dict[str, str], amount: int) -> None:
        self.database.execute(
            "insert into spend values(?, ?, ?, ?, ?, ?, 1, ?)"
            " on conflict(hour, stage, model, team, purpose, key) do update set"
            " calls = calls + 1, settled_nanousd = settled_nanousd + excluded.settled_nanousd",
            (
                int(at.timestamp()) // 3600 * 3600,
                where["stage"],
                where["model"],
                where["team"],
                where["purpose"],
                where["key"],
                amount,
            ),
        )

    def _mark(self, created: str) -> int:
        row = self.database.execute("select body from marks where stream = ?", (LEDGER,)).fetchone()
        mark = json.loads(row["body"]) if row else {"created": created, "sequence": 0}
        if mark["created"] == created:
            return int(str(mark["sequence"]))
        for table in ("ledger", "reservations", "attempts", "spend"):
            self.database.execute(f"delete from {table}")
        return 0

    def _set_mark(self, created: str, sequence: int) -> None:
        body = json.dumps({"created": created, "sequence": sequence})
        self.database.execute("insert or replace into marks values(?, ?)", (LEDGER, body))

    def prune(self) -> None:
        """Drop the oldest rows of what is too long."""
        self.database.execute(
            "delete from ledger where rowid in (select rowid from ledger"
            " order by sequence desc, number desc limit -1 offset ?)",
            (ENTRIES_MAX,),
        )
        self.database.execute(
            "delete from reservations where rowid in (select rowid from reservations"
            " order by rowid desc limit -1 offset ?)",
            (RESERVATIONS_MAX,),
        )


def _key(entry: dict[str, Any]) -> str:
    """Return the id of the gateway key that the lab's own work is booked under, or nothing."""
    allocations = entry.get("allocations") or [{}]
    return str(allocations[0].get("key", ""))


def _amount(entry: dict[str, Any]) -> int | None:
    for field in ("cost_nanousd", "upper_bound_nanousd"):
        if isinstance(entry.get(field), int):
            return int(entry[field])
    held = entry.get("held")
    return sum(held) if isinstance(held, list) else None


def _text(entry: dict[str, Any]) -> str:
    if entry.get("unknown"):
        return "cost unknown, counted in full"
    change = entry.get("change")
    if isinstance(change, dict):
        parts = (f"{name} {value}" for name, value in change.items() if value not in (None, ""))
        return f"{', '.join(parts)}. {entry.get('why', '')}"[:TEXT_CHARS]
    return str(entry.get("why", ""))[:TEXT_CHARS]
