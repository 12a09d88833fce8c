"""What was spent in the scope of a limit, for its burn-down, from the ledger's own entries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from nats.js import JetStreamContext

from daydream_budget.ledger.entries import (
    AttemptAuthorized,
    AttemptSettled,
    Commit,
    Entry,
    ReservationOpened,
)
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.schema import open_database
from daydream_console.spending.follower import SpendingFollower
from daydream_console.spending.queries import SpendingQueries
from daydream_contracts.rpc import AllocationRequest

START = datetime(2026, 6, 1, tzinfo=UTC)
WORK = [  # stage, model, team, purpose, key, nano-dollars
    ("synthesizer", "m", "red", "daydream", "", 1),
    ("critic", "m", "", "daydream", "", 2),
    ("critic", "n", "red", "canary", "", 4),
    ("foreground", "m", "red", "foreground", "lab-1", 8),
    ("foreground", "m", "", "foreground", "lab-2", 16),
]


@pytest.fixture
def spending() -> SpendingQueries:
    """The queries, after the console has read what the ledger wrote about the work."""
    database = InsightIndex(open_database(None)).database
    follower = SpendingFollower(database, cast(JetStreamContext, None), cast(Any, None))
    for number, work in enumerate(WORK):
        commit = Commit(at=START, by="a", entries=entries_of(str(number), *work))
        follower.add(number + 1, commit.model_dump_json().encode())
    return SpendingQueries(database)


def entries_of(
    name: str, stage: str, model: str, team: str, purpose: Any, key: str, amount: int
) -> tuple[Entry, ...]:
    """Return the entries of a reservation with one paid call."""
    allocation = AllocationRequest(
        stage=stage, model=model, team=team, key=key, upper_bound_nanousd=amount
    )
    return (
        ReservationOpened(
            reservation_id=name,
            allocations=(allocation,),
            held=(amount,),
            branches=1,
            purpose=purpose,
        ),
        AttemptAuthorized(
            attempt_id=name,
            reservation_id=name,
            call_id=name,
            nonce=name,
            stage=stage,
            model=model,
            team=team,
            upper_bound_nanousd=2 * amount,
            expires_at=START,
        ),
        AttemptSettled(attempt_id=name, cost_nanousd=amount, unknown=False),
    )


@pytest.mark.parametrize(
    ("scope", "settled"),
    [
        ("all", 7),
        ("foreground", 24),
        ("stage:critic", 6),
        ("model:m", 3),
        ("team:red", 13),
        ("purpose:canary", 4),
        ("key:lab-1", 8),
        ("key:lab-3", 0),
    ],
)
def test_the_series_of_a_scope_holds_what_counts_against_its_limit(
    spending: SpendingQueries, scope: str, settled: int
) -> None:
    assert sum(point.settled_nanousd for point in spending.series(START, scope)) == settled


def test_spending_and_its_entries_are_listed_by_key(spending: SpendingQueries) -> None:
    rows = {row.name: row.settled_nanousd for row in spending.breakdown("key")}
    assert rows == {"": 7, "lab-1": 8, "lab-2": 16}
    page = spending.entries({"key": "lab-1", "kind": "attempt-settled"}, None, 10)
    assert [(row.key, row.amount_nanousd) for row in page.entries] == [("lab-1", 8)]
