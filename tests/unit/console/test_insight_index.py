"""The insight index: states, filters, order, pages and ancestry."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_console.insights.ancestry import NODES_MAX, ancestry_of
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.queries import InsightQueries
from daydream_console.insights.schema import open_database
from daydream_console.insights.worth import probability
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import (
    Aggregation,
    Decision,
    InsightReinstated,
    InsightRetracted,
    LinkKind,
    OutcomeRecorded,
    ReviewEffect,
    ReviewRecorded,
    TrialResult,
    VerdictReached,
)
from daydream_contracts.rpc import InsightPage, InsightQuery, InsightState
from support.insights import insight_fact, promotion, verdict
from support.message_builders import AT

HOUR = timedelta(hours=1)


@pytest.fixture
def index() -> InsightIndex:
    return InsightIndex(open_database(None))


async def no_verdict(verdict_id: str, sequence: int) -> VerdictReached | None:
    return None


def find(index: InsightIndex, **query: Any) -> InsightPage:
    return InsightQueries(index, no_verdict).find(InsightQuery(**query))


def numbers(page: InsightPage) -> list[str]:
    return [insight.title for insight in page.insights]


def review(of: VerdictReached, *, accepted: bool, minutes: int = 0) -> ReviewRecorded:
    return ReviewRecorded(
        verdict_id=of.verdict_id,
        accepted=accepted,
        who="ada",
        recorded_at=AT + timedelta(minutes=minutes),
    )


def retraction(of: VerdictReached) -> InsightRetracted:
    fact = insight_fact(of)
    return InsightRetracted(
        insight_id=fact.fact_id, fact=fact, who="ada", why="wrong", retracted_at=AT + HOUR
    )


def states(index: InsightIndex) -> list[InsightState]:
    page = find(index, states=tuple(InsightState), sort="date", descending=False)
    return [insight.state for insight in page.insights]


def test_the_best_come_first_by_the_probability_of_a_hit_and_then_by_score(
    index: InsightIndex,
) -> None:
    index.add_verdict(verdict(0, title="scored high", score=9.0))
    index.add_verdict(verdict(1, title="unlikely", log_odds=-2.0, score=9.9))
    index.add_verdict(verdict(2, title="likely", log_odds=1.0, score=5.0))
    index.add_verdict(verdict(3, title="scored low", score=4.0))
    page = find(index)
    assert numbers(page) == ["likely", "unlikely", "scored high", "scored low"]
    assert page.insights[0].worth == pytest.approx(probability(1.0))
    assert page.insights[2].worth is None


def test_a_rating_after_comparisons_replaces_the_log_odds(index: InsightIndex) -> None:
    aggregation = Aggregation(rule="quota", log_odds=2.0, rating=-1.0)
    index.add_verdict(verdict(0).model_copy(update={"aggregation": aggregation}))
    assert find(index).insights[0].worth == pytest.approx(probability(-1.0))


def test_a_promoted_hypothesis_is_pending_until_it_is_a_fact(index: InsightIndex) -> None:
    index.add_verdict(verdict(0))
    assert states(index) == [InsightState.PENDING]
    index.add_promotion(promotion(verdict(0)))
    assert states(index) == [InsightState.ACTIVE]


def test_retracting_and_reinstating_change_the_state(index: InsightIndex) -> None:
    index.add_promotion(promotion(verdict(0)))
    index.add_visibility(retraction(verdict(0)))
    assert states(index) == [InsightState.RETRACTED]
    assert find(index).total == 0, "the default shows what is in use or pending"
    fact = insight_fact(verdict(0))
    index.add_visibility(
        InsightReinstated(
            insight_id=fact.fact_id, fact=fact, who="ada", reinstated_at=AT + 2 * HOUR
        )
    )
    assert states(index) == [InsightState.ACTIVE]


def test_the_last_review_holds_whatever_the_order_of_arrival(index: InsightIndex) -> None:
    index.add_review(review(verdict(0), accepted=True, minutes=5))
    index.add_review(review(verdict(0), accepted=False, minutes=1))
    index.add_promotion(promotion(verdict(0)))
    assert states(index) == [InsightState.ACTIVE]
    index.add_review(review(verdict(0), accepted=False, minutes=9))
    assert states(index) == [InsightState.REJECTED]
    shown = find(index, states=(InsightState.REJECTED,)).insights[0]
    assert shown.review is not None
    assert not shown.review.accepted
    assert shown.active, "it is in use until it is retracted"


def test_a_discarded_hypothesis_that_a_person_accepts_is_on_its_way_to_be_a_fact(
    index: InsightIndex,
) -> None:
    index.add_verdict(verdict(0, decision=Decision.DISCARDED))
    assert states(index) == [InsightState.DISCARDED]
    index.add_review(review(verdict(0), accepted=True))
    assert states(index) == [InsightState.PENDING]


def test_events_may_come_twice_and_in_any_order(index: InsightIndex) -> None:
    for _ in range(2):
        index.add_visibility(retraction(verdict(0)))
        index.add_promotion(promotion(verdict(0)))
        index.add_verdict(verdict(0), sequence=7)
    assert states(index) == [InsightState.RETRACTED]
    assert find(index, states=(InsightState.RETRACTED,)).total == 1


def test_canaries_are_not_shown(index: InsightIndex) -> None:
    canary = verdict(0)
    pair = canary.hypothesis.pair.model_copy(update={"canary": "bridge"})
    hypothesis = canary.hypothesis.model_copy(update={"pair": pair})
    index.add_verdict(canary.model_copy(update={"hypothesis": hypothesis}))
    assert states(index) == []


def test_a_later_round_replaces_an_earlier_one_and_both_ids_lead_to_it(
    index: InsightIndex,
) -> None:
    first = verdict(0, score=3.0)
    second = first.model_copy(update={"verdict_id": "second", "round": 2, "score": 8.0})
    index.add_verdict(second)
    index.add_verdict(first)
    (shown,) = find(index).insights
    assert (shown.verdict_id, shown.score) == ("second", 8.0)
    assert find(index, insight_ids=(first.verdict_id,)).insights == (shown,)
    assert find(index, insight_ids=(shown.insight_id,)).insights == (shown,)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"since": AT + HOUR}, ["one", "two"]),
        ({"until": AT + HOUR}, ["zero"]),
        ({"words": "TWO"}, ["two"]),
        ({"words": "meander crowd"}, ["zero", "one", "two"]),
        ({"words": '"; drop table'}, []),
        ({"kinds": (LinkKind.METAPHOR,)}, ["one"]),
        ({"strategies": ("anchored",)}, ["two"]),
        ({"strategies": ("anchored", "uniform")}, ["zero", "one", "two"]),
        ({"depth": 3}, ["two"]),
        ({"min_score": 6.0}, ["one", "two"]),
        ({"min_worth": 0.5}, ["two"]),
        ({"reviewed": True}, ["one"]),
        ({"reviewed": False}, ["zero", "two"]),
        ({"teams": ("physics",)}, ["zero"]),
        ({"models": ("priced-1",)}, []),
    ],
)
def test_filters_narrow_the_list(
    index: InsightIndex, query: dict[str, Any], expected: list[str]
) -> None:
    index.add_verdict(verdict(0, title="zero", score=5.0, team="physics"))
    index.add_verdict(verdict(1, title="one", score=6.0, at=AT + HOUR, kind=LinkKind.METAPHOR))
    index.add_verdict(
        verdict(2, title="two", score=7, log_odds=1, at=AT + HOUR, strategy="anchored", depth=2)
    )
    index.add_review(review(verdict(1), accepted=True))
    page = find(index, sort="score", descending=False, **query)
    assert numbers(page) == expected
    assert page.total == len(expected)


@given(
    st.lists(st.sampled_from((None, -1.0, 0.0, 2.0)), max_size=12), st.integers(1, 5), st.booleans()
)
def test_pages_show_each_row_once_also_when_new_ones_arrive(
    log_odds: list[float | None], limit: int, descending: bool
) -> None:
    index = InsightIndex(open_database(None))
    for number, value in enumerate(log_odds):
        index.add_verdict(verdict(number, title=str(number), log_odds=value))
    seen: list[str] = []
    page = find(index, limit=limit, descending=descending)
    whole = numbers(find(index, limit=200, descending=descending))
    seen += numbers(page)
    while page.next_cursor:
        index.add_verdict(verdict(1000 + len(seen), title="new", log_odds=9))
        page = find(index, limit=limit, descending=descending, cursor=page.next_cursor)
        seen += [title for title in numbers(page) if title != "new"]
    assert seen == whole


@pytest.mark.parametrize(
    "cursor", ["x", "e30=", "WzEsMiwzXQ==", "WyJkYXRlIiwgdHJ1ZSwgMSwgMV0=", "\u00e9"]
)
def test_a_cursor_of_another_order_is_refused(index: InsightIndex, cursor: str) -> None:
    with pytest.raises(PermanentError, match="cursor"):
        find(index, cursor=cursor)


def test_ancestry_goes_in_both_directions(index: InsightIndex) -> None:
    parent = verdict(0, title="parent")
    child = verdict(1, title="child", first=insight_fact(parent))
    grandchild = verdict(2, title="grandchild", second=insight_fact(child))
    for each in (grandchild, child, parent):
        index.add_promotion(promotion(each))
    index.add_verdict(
        verdict(3, title="discarded", first=insight_fact(child), decision=Decision.DISCARDED)
    )
    ancestry = ancestry_of(index, insight_fact(child).fact_id)
    levels = {node.title: node.level for node in ancestry.nodes}
    assert levels["child"] == 0
    assert levels["parent"] == -1
    assert levels["grandchild"] == 1
    assert levels["Fact 0"] == levels["Fact 1"] == -2
    assert "discarded" not in levels
    assert len(ancestry.edges) == 5, "the other parent of a descendant is left out"
    assert not ancestry.cut


def test_a_large_ancestry_is_cut(index: InsightIndex) -> None:
    parent = verdict(0)
    index.add_promotion(promotion(parent))
    for number in range(1, NODES_MAX + 10):
        index.add_promotion(promotion(verdict(number, first=insight_fact(parent))))
    ancestry = ancestry_of(index, insight_fact(parent).fact_id)
    assert len(ancestry.nodes) == NODES_MAX
    assert ancestry.cut


def test_an_undone_acceptance_leaves_what_was_there_before(index: InsightIndex) -> None:
    pending, discarded = verdict(0), verdict(1, decision=Decision.DISCARDED)
    for each in (pending, discarded):
        index.add_verdict(each)
        index.add_review(review(each, accepted=True))
        index.add_promotion(promotion(each))
        index.add_visibility(retraction(each))
        undo = review(each, accepted=False, minutes=1)
        withdrawn = {"accepted": None, "effect": ReviewEffect.WITHDRAWN}
        index.add_review(undo.model_copy(update=withdrawn))
    page = find(index, states=tuple(InsightState), sort="date", reviewed=False)
    states = {insight.verdict_id: (insight.state, insight.review) for insight in page.insights}
    assert states == {
        pending.verdict_id: (InsightState.PENDING, None),
        discarded.verdict_id: (InsightState.DISCARDED, None),
    }


async def test_an_insight_in_full_has_its_reviews_outcomes_and_retractions(
    index: InsightIndex,
) -> None:
    stored = verdict(0)
    outcome = OutcomeRecorded(
        verdict_id=stored.verdict_id, result=TrialResult.CONFIRMED, who="ada", recorded_at=AT
    )
    index.add_verdict(stored, sequence=7, trace_id="abc")
    index.add_promotion(promotion(stored))
    index.add_outcome(outcome)
    index.add_review(review(stored, accepted=True))
    index.add_visibility(retraction(stored))

    async def read(verdict_id: str, sequence: int) -> VerdictReached | None:
        return stored if (verdict_id, sequence) == (stored.verdict_id, 7) else None

    detail = await InsightQueries(index, read).get(insight_fact(stored).fact_id)
    assert detail.verdict == stored
    assert detail.outcomes == (outcome,)
    assert detail.summary.outcome == outcome
    assert [record.why for record in detail.visibility] == ["wrong"]
    assert (len(detail.reviews), detail.trace_id) == (1, "abc")
    with pytest.raises(PermanentError, match="Unknown insight ID"):
        await InsightQueries(index, read).get("nothing")


def test_the_index_of_another_version_or_a_damaged_one_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "insights.sqlite"
    database = open_database(file)
    InsightIndex(database).add_verdict(verdict(0))
    database.close()
    again = InsightIndex(open_database(file))
    assert find(again).total == 1
    again.database.execute("pragma user_version = 99")
    again.database.close()
    assert find(InsightIndex(open_database(file))).total == 0
    file.write_bytes(b"not a database" * 100)
    assert find(InsightIndex(open_database(file))).total == 0
