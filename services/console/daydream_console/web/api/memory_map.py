"""The map of the memory: a sample of its facts, with the latest pairs and the best insights."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_contracts.rpc import (
    InsightQuery,
    InsightState,
    InsightSummary,
    MapMemory,
    MapPoint,
)
from daydream_contracts.topology import MEMORY_MAP

router = APIRouter(tags=["memory"], route_class=ApiRoute, responses=READ_PROBLEMS)
PAIRS_MAX = 200
HITS_MAX = 100


class MapPair(BaseModel):
    """A drawn pair on the map. `insight`: where its insight is, if it is a fact."""

    verdict_id: str
    title: str
    state: InsightState
    first: MapPoint
    second: MapPoint
    insight: MapPoint | None = None


class MapAnswer(BaseModel):
    """The map. Positions are the two first principal components of the embeddings."""

    facts: int
    explained: float = Field(description="share of the variance that the map shows")
    sample: list[MapPoint]
    pairs: list[MapPair] = Field(description="the best insights, then the latest other pairs")


@router.get("/memory/map")
async def get_map(
    services: Services,
    _: Reader,
    pairs: Annotated[int, Query(ge=0, le=PAIRS_MAX)] = PAIRS_MAX,
) -> MapAnswer:
    """Return a map of the memory with drawn pairs and promoted insights."""
    return await map_of(services, pairs)


async def map_of(services: ConsoleServices, pairs: int = PAIRS_MAX) -> MapAnswer:
    """Return the map. Raise RetryLaterError if the memory does not answer."""
    hits = services.insights.find(InsightQuery(states=(InsightState.ACTIVE,), limit=HITS_MAX))
    latest = services.insights.find(
        InsightQuery(states=tuple(InsightState), sort="date", limit=max(1, pairs))
    )
    shown = {each.verdict_id: each for each in (*hits.insights, *latest.insights[:pairs])}
    names = dict.fromkeys(
        name
        for each in shown.values()
        for name in (each.first.fact_id, each.second.fact_id, each.insight_id)
    )
    answer = await services.client.rpc.request(MEMORY_MAP, MapMemory(fact_ids=tuple(names)))
    points = {point.fact_id: point for point in answer.named}
    return MapAnswer(
        facts=answer.facts,
        explained=answer.explained,
        sample=list(answer.sample),
        pairs=[pair for each in shown.values() if (pair := _pair(each, points)) is not None],
    )


def _pair(insight: InsightSummary, points: dict[str, MapPoint]) -> MapPair | None:
    first, second = points.get(insight.first.fact_id), points.get(insight.second.fact_id)
    if first is None or second is None:
        return None
    return MapPair(
        verdict_id=insight.verdict_id,
        title=insight.title,
        state=insight.state,
        first=first,
        second=second,
        insight=points.get(insight.insight_id) if insight.active else None,
    )
