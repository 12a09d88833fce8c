"""One insight in full: the index's rows about it, and its complete verdict."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable

from daydream_console.insights.ancestry import ancestry_of
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.search import SUMMARY, condition_of_ids, summaries
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import OutcomeRecorded, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import InsightDetail, VisibilityRecord

ReadVerdict = Callable[[str, int], Awaitable[VerdictReached | None]]
OPINIONS = """select body from {table} where verdict_id in
  (select verdict_id from verdicts where hypothesis_id = ?) order by recorded_at"""


def unknown_insight(insight_id: str) -> PermanentError:
    """Return the error for an id that no hypothesis has."""
    return PermanentError("unknown-insight", f"Unknown insight ID: {insight_id}")


def row_by_id(index: InsightIndex, insight_id: str) -> sqlite3.Row:
    """Return the row with an id: of a verdict, fact, hypothesis, pair, daydream or trace.

    A pair may have several hypotheses: the best one is returned. Raise PermanentError for an
    unknown id.
    """
    condition, *values = condition_of_ids([insight_id])
    query = f"{SUMMARY} where {condition} order by h.worth_order desc limit 1"
    row: sqlite3.Row | None = index.database.execute(query, values).fetchone()
    if row is None:
        raise unknown_insight(insight_id)
    return row


async def insight_detail(
    index: InsightIndex, insight_id: str, read_verdict: ReadVerdict
) -> InsightDetail:
    """Return an insight. `read_verdict` gets the id of a verdict and its sequence.

    Raise PermanentError for an unknown id, or if its verdict was erased.
    """
    row = row_by_id(index, insight_id)
    verdict = await read_verdict(row["verdict_id"], row["sequence"])
    if verdict is None:
        raise unknown_insight(insight_id)
    (summary,) = summaries(index, [row])
    run, hypothesis_id = index.database.execute, row["hypothesis_id"]
    verdict_ids = run(
        "select verdict_id from verdicts where hypothesis_id = ? order by reached_at",
        (hypothesis_id,),
    )
    changes = run(
        "select body from visibility where insight_id = ? order by at", (row["insight_id"],)
    )
    return InsightDetail(
        summary=summary,
        verdict=verdict,
        verdict_ids=tuple(verdict_id for (verdict_id,) in verdict_ids.fetchall()),
        reviews=tuple(
            ReviewRecorded.model_validate_json(body)
            for (body,) in run(OPINIONS.format(table="reviews"), (hypothesis_id,))
        ),
        outcomes=tuple(
            OutcomeRecorded.model_validate_json(body)
            for (body,) in run(OPINIONS.format(table="outcomes"), (hypothesis_id,))
        ),
        visibility=tuple(VisibilityRecord.model_validate_json(body) for (body,) in changes),
        ancestry=ancestry_of(index, row["insight_id"]),
        trace_id=row["trace_id"],
    )
