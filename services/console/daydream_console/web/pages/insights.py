"""The table of insights, and one insight with everything about it."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from daydream_console.verdict_inspection import inspect_verdict
from daydream_console.web.api.visibility import preview
from daydream_console.web.pages.filters import CHOICES, Filters
from daydream_console.web.pages.render import page, with_parameters
from daydream_console.web.services import InsightId, Reader, Services
from daydream_contracts.errors import DaydreamError
from daydream_contracts.rpc import InsightQuery, InsightState

router = APIRouter()


@router.get("/insights")
async def insight_table(
    request: Request, services: Services, filters: Filters, _: Reader
) -> HTMLResponse:
    """Show insights that match the filters."""
    query = filters.query()
    shown = (
        await services.insights.find_similar(services.client.rpc, query, filters.meaning)
        if filters.meaning
        else services.insights.find(query)
    )
    return await page(
        request,
        "insights.html",
        insights=shown,
        filters=filters,
        choices=CHOICES,
        facets=services.insights.facets(),
        next_page=with_parameters(request, cursor=shown.next_cursor),
        download=_download(filters.query()),
    )


def _download(query: InsightQuery) -> str:
    fields = query.model_dump(mode="json", exclude={"cursor", "limit"}, exclude_defaults=True)
    return urlencode(fields, doseq=True)


@router.get("/insights/{insight_id}")
async def insight_page(
    request: Request, insight_id: InsightId, services: Services, _: Reader
) -> HTMLResponse:
    """Show one insight in full."""
    detail = await services.insights.get(insight_id)
    trace = ""
    if services.trace_url and detail.trace_id:
        trace = services.trace_url.replace("{trace_id}", detail.trace_id)
    use = services.insights.use(insight_id)
    return await page(request, "insight.html", detail=detail, trace=trace, use=use)


@router.get("/insights/{insight_id}/calls")
async def insight_calls(
    request: Request, insight_id: InsightId, services: Services, _: Reader
) -> HTMLResponse:
    """Show the model calls of an insight with prompts and answers."""
    detail = await services.insights.get(insight_id)
    inspection = await inspect_verdict(services.client, detail.verdict.verdict_id)
    return await page(request, "calls.html", detail=detail, inspection=inspection)


@router.get("/insights/{insight_id}/graph")
async def insight_graph(
    request: Request, insight_id: InsightId, services: Services, _: Reader
) -> HTMLResponse:
    """Show the ancestry of an insight in both directions."""
    return await page(request, "graph.html", detail=await services.insights.get(insight_id))


@router.get("/insights/{insight_id}/retract")
async def retraction_page(
    request: Request, insight_id: InsightId, services: Services, _: Reader
) -> HTMLResponse:
    """Show what a retraction would hide, before it is done."""
    detail = await services.insights.get(insight_id)
    try:
        hidden = await preview(services, detail.summary.insight_id)
    except DaydreamError:
        hidden = None
    return await page(
        request,
        "retract.html",
        detail=detail,
        preview=hidden,
        retracted=detail.summary.state in {InsightState.RETRACTED, InsightState.REJECTED},
    )
