"""Insights by meaning: the filters choose verdicts in the index, and the memory ranks these.

So a filter never hides a result: whatever matches is ranked, however far from the text it is. What
does not fit into one request is ranked in parts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json

from daydream_console.insights.index import InsightIndex
from daydream_console.insights.search import BAD_CURSOR, SUMMARY, conditions_of, summaries
from daydream_contracts.errors import PermanentError
from daydream_contracts.rpc import InsightPage, InsightQuery, RankedVerdict, RankVerdicts
from daydream_contracts.rpc.memory import RANKED_MAX, RANKED_RETURNED_MAX
from daydream_contracts.topology import MEMORY_RANKING
from daydream_runtime.rpc import RpcClient


async def find_similar(
    index: InsightIndex, rpc: RpcClient, query: InsightQuery, text: str
) -> InsightPage:
    """Return a page of the insights that match the filters, the most similar first.

    The ranking ends after `RANKED_RETURNED_MAX`. Raise PermanentError for a cursor of another
    query, and RetryLaterError if the memory does not answer.
    """
    start = _read_cursor(query.cursor)
    end = min(start + query.limit, RANKED_RETURNED_MAX - 1)
    verdict_ids = _matching(index, query)
    ranked = await _ranking(rpc, text, verdict_ids, end + 1)
    shown = [each.verdict_id for each in ranked[start:end]]
    marks = ", ".join("?" * len(shown))
    rows = index.database.execute(f"{SUMMARY} where h.verdict_id in ({marks})", shown).fetchall()
    place = {verdict_id: number for number, verdict_id in enumerate(shown)}
    rows.sort(key=lambda row: place[row["verdict_id"]])
    return InsightPage(
        insights=tuple(summaries(index, rows)),
        total=len(verdict_ids),
        next_cursor=_cursor(end) if len(ranked) > end > start else "",
        complete=index.complete,
    )


def _matching(index: InsightIndex, query: InsightQuery) -> list[str]:
    conditions = conditions_of(query)
    rows = index.database.execute(
        f"select h.verdict_id from hypotheses h {conditions.where} order by h.number",
        conditions.values,
    )
    return [verdict_id for (verdict_id,) in rows]


async def _ranking(
    rpc: RpcClient, text: str, verdict_ids: list[str], limit: int
) -> list[RankedVerdict]:
    parts = [
        verdict_ids[start : start + RANKED_MAX] for start in range(0, len(verdict_ids), RANKED_MAX)
    ]
    replies = await asyncio.gather(
        *(
            rpc.request(
                MEMORY_RANKING, RankVerdicts(text=text, verdict_ids=tuple(part), limit=limit)
            )
            for part in parts
        )
    )
    ranked = [each for reply in replies for each in reply.verdicts]
    return sorted(ranked, key=lambda each: -each.similarity)[:limit]


def _cursor(start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps(["meaning", start]).encode()).decode()


def _read_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        sort, start = json.loads(base64.urlsafe_b64decode(cursor))
        if sort != "meaning" or not 0 <= int(start) < RANKED_RETURNED_MAX:
            raise ValueError("another order")
        return int(start)
    except (ValueError, TypeError, binascii.Error, OverflowError):
        raise PermanentError("invalid-cursor", BAD_CURSOR) from None
