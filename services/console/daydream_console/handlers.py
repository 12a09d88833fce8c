"""Answer the requests that the console receives: all of them only read."""

from __future__ import annotations

from typing import Annotated

from daydream_console.insights.queries import InsightQueries
from daydream_contracts.rpc import GetInsight, InsightDetail, InsightPage, InsightQuery
from daydream_runtime.from_context import FromContext

Queries = Annotated[InsightQueries, FromContext()]


async def find_insights(request: InsightQuery, insight_queries: Queries) -> InsightPage:
    """Return a page of insights."""
    return insight_queries.find(request)


async def get_insight(request: GetInsight, insight_queries: Queries) -> InsightDetail:
    """Return one insight in full."""
    return await insight_queries.get(request.insight_id)
