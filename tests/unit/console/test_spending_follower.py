"""What the console remembers of the ledger is bounded."""

from __future__ import annotations

import json

import pytest
from nats.aio.client import Client

from daydream_console.insights.index import InsightIndex
from daydream_console.insights.schema import open_database
from daydream_console.spending import follower

KEPT, OPENED = 5, 12


async def never(_: float) -> None:
    raise AssertionError("nothing is followed")


def test_the_oldest_entries_and_reservations_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    # the maxima are for weeks of work
    monkeypatch.setattr(follower, "ENTRIES_MAX", KEPT)
    monkeypatch.setattr(follower, "RESERVATIONS_MAX", KEPT)
    database = InsightIndex(open_database(None)).database
    spending = follower.SpendingFollower(database, Client().jetstream(), never)
    for number in range(OPENED):
        entry = {"kind": "reservation-opened", "reservation_id": f"r{number}", "purpose": "canary"}
        commit = {"at": "2026-06-01T12:00:00+00:00", "entries": [entry]}
        spending.add(number, json.dumps(commit).encode())
    spending.prune()
    for table in ("ledger", "reservations"):
        rows = database.execute(f"select reservation_id from {table} order by rowid").fetchall()
        newest = [f"r{number}" for number in range(OPENED - KEPT, OPENED)]
        assert [row["reservation_id"] for row in rows] == newest
