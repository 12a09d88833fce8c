"""What was spent in the scope of a limit, for its burn-down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daydream_console.insights.index import InsightIndex
from daydream_console.insights.schema import open_database
from daydream_console.spending.queries import SpendingQueries
from daydream_contracts.events import Aggregation, Decision, Rule
from support.insights import verdict

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


def test_only_daydreams_since_the_last_one_under_another_rule_count_for_an_insight() -> None:
    """By scores nearly all were promoted, and by the quota one in three is."""
    index = InsightIndex(open_database(None))
    rules: tuple[Rule, ...] = (*("score",) * 5, *("quota",) * 3)
    for number, rule in enumerate(rules):
        promoted = rule == "score" or number == 5
        decision = Decision.PROMOTED if promoted else Decision.DISCARDED
        reached = verdict(number, decision=decision, at=START + timedelta(minutes=number))
        index.add_verdict(reached.model_copy(update={"aggregation": Aggregation(rule=rule)}))
    undecided = verdict(8, decision=Decision.DISCARDED, at=START + timedelta(minutes=9))
    index.add_verdict(undecided)
    (day,) = SpendingQueries(index.database).insight_costs()
    assert (day.daydreams, day.insights, day.nanousd_per_insight) == (4, 1, 4_000_000)


def test_without_a_rule_all_daydreams_count() -> None:
    index = InsightIndex(open_database(None))
    index.add_verdict(verdict(0, at=START))
    (day,) = SpendingQueries(index.database).insight_costs()
    assert (day.daydreams, day.insights) == (1, 1)
