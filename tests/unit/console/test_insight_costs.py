"""What insights cost by day, under the rule in force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from daydream_console.insights.index import InsightIndex
from daydream_console.insights.schema import open_database
from daydream_console.spending.queries import SpendingQueries
from daydream_contracts.events import Aggregation, Decision, Rule
from support.insights import verdict

START = datetime(2026, 6, 1, tzinfo=UTC)


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
