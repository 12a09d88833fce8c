"""Answer requests for insights: what pages, API and command use."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from daydream_console.insights.detail import ReadVerdict, insight_detail, row_by_id
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.search import count_insights, facets, find_insights, neighbour
from daydream_console.insights.similar import find_similar
from daydream_console.insights.use import InsightUse, use_of
from daydream_contracts.rpc import InsightDetail, InsightPage, InsightQuery
from daydream_runtime.rpc import RpcClient

FACETS_S = 10.0


@dataclass(frozen=True)
class InsightQueries:
    """Read insights from the index, and complete verdicts through `read_verdict`."""

    index: InsightIndex
    read_verdict: ReadVerdict
    _facets: dict[str, list[str]] = field(default_factory=dict)
    _facets_at: dict[str, float] = field(default_factory=dict)

    def find(self, query: InsightQuery) -> InsightPage:
        """Return a page of insights. Raise PermanentError for an invalid cursor."""
        return find_insights(self.index, query)

    def count(self, query: InsightQuery) -> int:
        """Return how many insights match the filters."""
        return count_insights(self.index, query)

    def neighbour(self, query: InsightQuery, verdict_id: str, *, after: bool) -> str:
        """Return the verdict next to one in the order of a query, or an empty text."""
        return neighbour(self.index, query, verdict_id, after=after)

    async def find_similar(self, rpc: RpcClient, query: InsightQuery, text: str) -> InsightPage:
        """Return a page of insights by their similarity to a text."""
        return await find_similar(self.index, rpc, query, text)

    async def get(self, insight_id: str) -> InsightDetail:
        """Return one insight in full. Raise PermanentError for an unknown id."""
        return await insight_detail(self.index, insight_id, self.read_verdict)

    def use(self, insight_id: str) -> InsightUse | None:
        """Return how often an insight is drawn. Raise PermanentError for an unknown id."""
        return use_of(self.index, row_by_id(self.index, insight_id)["insight_id"])

    def facets(self) -> dict[str, list[str]]:
        """Return the values that the filters can have, at most ten seconds old."""
        if time.monotonic() - self._facets_at.get("at", -FACETS_S) >= FACETS_S:
            self._facets.update(facets(self.index))
            self._facets_at["at"] = time.monotonic()
        return self._facets

    def counts(self) -> dict[str, int]:
        """Return the number of hypotheses in each state."""
        return self.index.counts()
