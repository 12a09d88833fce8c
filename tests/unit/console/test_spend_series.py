"""What was spent in the scope of a limit, for its burn-down."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from daydream_console.insights.index import InsightIndex
from daydream_console.insights.schema import open_database
from daydream_console.spending.queries import SpendingQueries

START = datetime(2026, 6, 1, tzinfo=UTC)
ROWS = [  # stage, model, team, purpose, nano-dollars
    ("synthesizer", "m", "red", "daydream", 1),
    ("critic", "m", "", "daydream", 2),
    ("critic", "n", "red", "canary", 4),
    ("", "m", "red", "foreground", 8),
]


@pytest.mark.parametrize(
    ("scope", "settled"),
    [
        ("all", 7),
        ("foreground", 8),
        ("stage:critic", 6),
        ("model:m", 3),
        ("team:red", 13),
        ("purpose:canary", 4),
        ("key:lab-1", 0),
    ],
)
def test_the_series_of_a_scope_holds_what_counts_against_its_limit(
    scope: str, settled: int
) -> None:
    database = InsightIndex(open_database(None)).database
    for stage, model, team, purpose, amount in ROWS:
        row = (int(START.timestamp()), stage, model, team, purpose, 1, amount)
        database.execute("insert into spend values(?, ?, ?, ?, ?, ?, ?)", row)
    points = SpendingQueries(database).series(START, scope)
    assert sum(point.settled_nanousd for point in points) == settled
