"""Read insights from the console over NATS, for commands, digests and the MCP server."""

from __future__ import annotations

import asyncio

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.rpc import (
    GetInsight,
    InsightDetail,
    InsightPage,
    InsightQuery,
    InsightSummary,
)
from daydream_contracts.rpc.insights import INSIGHTS_MAX
from daydream_contracts.topology import CONSOLE_INSIGHT, CONSOLE_INSIGHTS
from daydream_runtime.rpc import RpcClient

COMPLETE_TIMEOUT_S = 60.0
POLL_S = 0.2


async def read_insights(
    rpc: RpcClient, query: InsightQuery, limit: int, offset: int = 0
) -> InsightPage:
    """Return up to `limit` insights after the first `offset`, over as many pages as it takes.

    Wait until the console has read its streams. After a minute return what there is.
    """
    wanted, insights = offset + limit, list[InsightSummary]()
    query = query.model_copy(update={"limit": min(wanted, INSIGHTS_MAX)})
    page = await _complete_page(rpc, query)
    insights += page.insights
    while page.next_cursor and len(insights) < wanted:
        query = query.model_copy(update={"cursor": page.next_cursor})
        page = await rpc.request(CONSOLE_INSIGHTS, query)
        insights += page.insights
    return page.model_copy(update={"insights": tuple(insights[offset:wanted])})


async def read_insight(rpc: RpcClient, insight_id: str) -> InsightDetail:
    """Return one insight in full. Raise PermanentError for an unknown id."""
    await _complete_page(rpc, InsightQuery(limit=1))
    return await rpc.request(CONSOLE_INSIGHT, GetInsight(insight_id=insight_id))


async def _complete_page(rpc: RpcClient, query: InsightQuery) -> InsightPage:
    deadline = asyncio.get_running_loop().time() + COMPLETE_TIMEOUT_S
    while True:
        try:
            page = await rpc.request(CONSOLE_INSIGHTS, query)
        except RetryLaterError as error:
            raise RetryLaterError(f"{error}. The console answers this: daydream up") from None
        if page.complete or asyncio.get_running_loop().time() > deadline:
            return page
        await asyncio.sleep(POLL_S)
