"""Insights: lists, one in full, its calls, and its ancestry."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from daydream_console.insights.use import InsightUse
from daydream_console.verdict_inspection import inspect_verdict
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import InsightId, Reader, Services
from daydream_console.web.tables import FILE_RESPONSES, FileFormat, csv_response, file_response
from daydream_contracts.rpc import (
    Ancestry,
    InsightDetail,
    InsightPage,
    InsightQuery,
    InsightState,
)

router = APIRouter(tags=["insights"], route_class=ApiRoute, responses=READ_PROBLEMS)
ROWS_MAX = 10_000
MEANING_CHARS = 500
PAGE_OF_FILE = 200


@router.get("/insights")
async def list_insights(
    query: Annotated[InsightQuery, Query()],
    services: Services,
    _: Reader,
) -> InsightPage:
    """List insights that match the filters, best first."""
    return services.insights.find(query)


class SimilarQuery(InsightQuery):
    """Find hypotheses by meaning, within the filters. `sort` has no effect."""

    text: str = Field(min_length=1, max_length=MEANING_CHARS)


@router.get("/insights/similar")
async def similar_insights(
    query: Annotated[SimilarQuery, Query()], services: Services, _: Reader
) -> InsightPage:
    """Find insights by meaning, the most similar first. A filter hides nothing that it matches."""
    return await services.insights.find_similar(services.client.rpc, query, query.text)


@router.get(
    "/insights/download",
    response_class=Response,
    responses=FILE_RESPONSES,
)
async def download_insights(
    query: Annotated[InsightQuery, Query()],
    services: Services,
    _: Reader,
    file_format: FileFormat = "csv",
) -> Response:
    """Download up to 10,000 insights that match the filters, as CSV or JSON."""
    pages = query.model_copy(update={"limit": PAGE_OF_FILE, "cursor": ""})
    rows: list[Any] = []
    while True:
        page = services.insights.find(pages)
        rows += page.insights
        if not page.next_cursor or len(rows) >= ROWS_MAX:
            break
        pages = pages.model_copy(update={"cursor": page.next_cursor})
    if file_format == "csv":
        return csv_response(rows, "insights")
    content = InsightPage(insights=tuple(rows), total=len(rows)).model_dump_json()
    headers = {"Content-Disposition": 'attachment; filename="insights.json"'}
    return Response(content, headers=headers, media_type="application/json")


@router.get("/insights/facets")
async def insight_facets(services: Services, _: Reader) -> dict[str, list[str]]:
    """Return the values that the filters can have."""
    return services.insights.facets()


@router.get("/insights/counts")
async def insight_counts(services: Services, _: Reader) -> dict[InsightState, int]:
    """Return the number of hypotheses in each state."""
    return {InsightState(state): count for state, count in services.insights.counts().items()}


@router.get("/insights/{insight_id}")
async def get_insight(insight_id: InsightId, services: Services, _: Reader) -> InsightDetail:
    """Return one insight in full, by the id of its verdict, fact, hypothesis, pair or trace."""
    return await services.insights.get(insight_id)


@router.get("/insights/{insight_id}/ancestry")
async def get_ancestry(insight_id: InsightId, services: Services, _: Reader) -> Ancestry:
    """Return what an insight descends from, and what descends from it."""
    return (await services.insights.get(insight_id)).ancestry


@router.get("/insights/{insight_id}/use")
async def get_use(insight_id: InsightId, services: Services, _: Reader) -> InsightUse | None:
    """Return how often an insight and its descendants were drawn. null: it never became a fact."""
    return services.insights.use(insight_id)


@router.get(
    "/insights/{insight_id}/tables/{name}", response_class=Response, responses=FILE_RESPONSES
)
async def download_insight_table(
    insight_id: InsightId,
    name: Literal["judgements", "costs"],
    services: Services,
    _: Reader,
    file_format: FileFormat = "csv",
) -> Response:
    """Download what each judge said of an insight, or what each of its calls cost."""
    verdict = (await services.insights.get(insight_id)).verdict
    rows = verdict.judgements if name == "judgements" else verdict.hypothesis.calls + verdict.calls
    return file_response(rows, f"{verdict.verdict_id}-{name}", file_format)


@router.get("/insights/{insight_id}/calls")
async def get_calls(insight_id: InsightId, services: Services, _: Reader) -> dict[str, Any]:
    """Return the model calls of an insight with their prompts and answers, and its sums."""
    detail = await services.insights.get(insight_id)
    inspection = await inspect_verdict(services.client, detail.verdict.verdict_id)
    content = inspection.as_json()
    content.pop("verdict")
    return content
