"""Find insights in the index: filters, order, and pages by cursor.

A cursor holds the order value and the number of the last row, so a page neither repeats nor skips
a row when new ones arrive. It belongs to one order: with another one it is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from daydream_console.insights.index import InsightIndex
from daydream_console.insights.rows import summary_of
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import OutcomeRecorded, ReviewRecorded
from daydream_contracts.rpc import InsightPage, InsightQuery, InsightSummary

ORDER = {"worth": "worth_order", "date": "reached_at", "score": "score_order"}
SUMMARY = """select h.*, f.body as first_fact, s.body as second_fact from hypotheses h
  join facts f on f.fact_id = h.first_id join facts s on s.fact_id = h.second_id"""
BAD_CURSOR = "This cursor is not valid for this query. Start again without it"
ID_COLUMNS = ("hypothesis_id", "insight_id", "pair_id", "reservation_id", "trace_id")


class Conditions:
    """Collect the conditions of a query with their values."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.values: list[Any] = []

    def add(self, text: str, *values: Any) -> None:
        """Add a condition. The values take the places of its question marks."""
        self.texts.append(f"({text})")
        self.values += values

    def add_in(self, column: str, values: Iterable[Any]) -> None:
        """Demand one of the values, unless there are none."""
        if chosen := list(values):
            self.add(f"h.{column} in ({_marks(chosen)})", *chosen)

    @property
    def where(self) -> str:
        return f"where {' and '.join(self.texts)}" if self.texts else ""


def find_insights(index: InsightIndex, query: InsightQuery) -> InsightPage:
    """Return a page. Raise PermanentError for a cursor of another query."""
    conditions, total = conditions_of(query), count_insights(index, query)
    column, direction = ORDER[query.sort], "desc" if query.descending else "asc"
    if query.cursor:
        compare = "<" if query.descending else ">"
        conditions.add(f"(h.{column}, h.number) {compare} (?, ?)", *_read_cursor(query))
    order = f"order by h.{column} {direction}, h.number {direction}"
    # first the numbers alone, in the order of an index: rows with their texts are large
    numbers = f"select h.number from hypotheses h {conditions.where} {order} limit ?"
    rows = index.database.execute(
        f"{SUMMARY} where h.number in ({numbers}) {order}", (*conditions.values, query.limit + 1)
    ).fetchall()
    page, rest = rows[: query.limit], rows[query.limit :]
    return InsightPage(
        insights=tuple(summaries(index, page)),
        total=total,
        next_cursor=_cursor(query, page[-1]) if rest else "",
        complete=index.complete,
    )


def count_insights(index: InsightIndex, query: InsightQuery) -> int:
    """Return how many match the filters."""
    conditions = conditions_of(query)
    count = f"select count(*) from hypotheses h {conditions.where}"
    (total,) = index.database.execute(count, conditions.values).fetchone()
    return int(total)


def neighbour(index: InsightIndex, query: InsightQuery, verdict_id: str, *, after: bool) -> str:
    """Return the verdict next to one in the order of a query. Empty: there is none."""
    column = ORDER[query.sort]
    row = index.database.execute(
        f"select {column}, number from hypotheses where hypothesis_id ="
        " (select hypothesis_id from verdicts where verdict_id = ?)",
        (verdict_id,),
    ).fetchone()
    if row is None:
        return ""
    compare, direction = ("<", "desc") if after == query.descending else (">", "asc")
    conditions = conditions_of(query)
    conditions.add(f"(h.{column}, h.number) {compare} (?, ?)", *row)
    order = f"order by h.{column} {direction}, h.number {direction} limit 1"
    near = index.database.execute(
        f"select h.verdict_id from hypotheses h {conditions.where} {order}", conditions.values
    ).fetchone()
    return near["verdict_id"] if near else ""


def conditions_of(query: InsightQuery) -> Conditions:
    """Return the conditions of the filters."""
    conditions = Conditions()
    if query.since:
        conditions.add("h.reached_at >= ?", query.since.timestamp())
    if query.until:
        conditions.add("h.reached_at < ?", query.until.timestamp())
    if words := query.words.split():
        match = " ".join(f'"{word.replace(chr(34), "")}"*' for word in words)
        conditions.add("h.number in (select rowid from words where words match ?)", match)
    conditions.add_in("kind", (kind.value for kind in query.kinds))
    conditions.add_in("strategy", query.strategies)
    conditions.add_in("model", query.models)
    conditions.add_in("team", query.teams)
    conditions.add_in("state", (state.value for state in query.states))
    if query.depth is not None:
        conditions.add("h.depth = ?", query.depth)
    if query.reviewed is not None:
        conditions.add("h.reviewed = ?", query.reviewed)
    if query.min_score is not None:
        conditions.add("h.score >= ?", query.min_score)
    if query.min_worth is not None:
        conditions.add("h.worth >= ?", query.min_worth)
    if names := query.insight_ids:
        conditions.add(*condition_of_ids(names))
    return conditions


def condition_of_ids(names: Sequence[str]) -> tuple[str, ...]:
    """Return a condition for ids of verdicts, facts, hypotheses, pairs, daydreams or traces.

    The values of its question marks follow it.
    """
    marks = _marks(names)
    parts = [f"h.{column} in ({marks})" for column in ID_COLUMNS]
    verdicts = f"select hypothesis_id from verdicts where verdict_id in ({marks})"
    condition = " or ".join([*parts, f"h.hypothesis_id in ({verdicts})"])
    return condition, *list(names) * (len(parts) + 1)


def summaries(index: InsightIndex, rows: Sequence[sqlite3.Row]) -> list[InsightSummary]:
    """Return the summaries of rows, with the last review and outcome of each."""
    reviews = _last_opinions(index, "reviews", rows)
    outcomes = _last_opinions(index, "outcomes", rows)
    return [
        summary_of(
            dict(row),
            _holding(_parsed(ReviewRecorded, reviews.get(row["hypothesis_id"]))),
            _parsed(OutcomeRecorded, outcomes.get(row["hypothesis_id"])),
        )
        for row in rows
    ]


def _holding(review: ReviewRecorded | None) -> ReviewRecorded | None:
    return review if review is not None and review.accepted is not None else None


def _last_opinions(index: InsightIndex, table: str, rows: Sequence[sqlite3.Row]) -> dict[str, str]:
    names = [row["hypothesis_id"] for row in rows]
    query = f"""select v.hypothesis_id, o.body from {table} o
      join verdicts v on v.verdict_id = o.verdict_id
      where v.hypothesis_id in ({_marks(names)}) order by o.recorded_at"""
    return dict(index.database.execute(query, names))


def _parsed(kind: Any, body: str | None) -> Any:
    return None if body is None else kind.model_validate_json(body)


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _cursor(query: InsightQuery, row: sqlite3.Row) -> str:
    content = [query.sort, query.descending, row[ORDER[query.sort]], row["number"]]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _read_cursor(query: InsightQuery) -> tuple[float, int]:
    try:
        sort, descending, value, number = json.loads(base64.urlsafe_b64decode(query.cursor))
        if (sort, descending) != (query.sort, query.descending):
            raise ValueError("another order")
        position = float(value), int(number)
    except (ValueError, TypeError, binascii.Error, OverflowError):
        raise PermanentError("invalid-cursor", BAD_CURSOR) from None
    if abs(position[1]) >= 1 << 63:
        raise PermanentError("invalid-cursor", BAD_CURSOR)
    return position


def facets(index: InsightIndex) -> dict[str, list[str]]:
    """Return the values that the filters can have, most frequent first."""
    return {
        column: [
            str(value)
            for (value,) in index.database.execute(
                f"select {column} from hypotheses where coalesce({column}, '') <> ''"
                f" group by {column} order by count(*) desc limit 50"
            )
        ]
        for column in ("strategy", "model", "team", "depth")
    }
