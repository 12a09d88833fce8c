"""The review queue: one insight at a time, blind, by keyboard."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from daydream_console.web.api.opinions import progress_of
from daydream_console.web.pages.filters import CHOICES, Filters
from daydream_console.web.pages.render import page, with_parameters
from daydream_console.web.services import Reader, Services
from daydream_contracts.rpc import InsightState

router = APIRouter()
AHEAD = 20


@router.get("/review")
async def review_queue(
    request: Request, services: Services, filters: Filters, _: Reader, at: str = ""
) -> HTMLResponse:
    """Show the insight `at`, or the first that is not reviewed, within the filters."""
    waiting = filters.model_copy(update={"reviewed": "no"}).query(limit=AHEAD)
    queue = services.insights.find(waiting).insights
    named = (
        services.insights.find(
            filters.query(insight_ids=(at,), states=tuple(InsightState), limit=1, since=None)
        ).insights
        if at
        else ()
    )
    current = named[0] if named else (queue[0] if queue else None)
    others = [each for each in queue if current and each.verdict_id != current.verdict_id]
    return await page(
        request,
        "review.html",
        insight=current,
        next_id=others[0].verdict_id if others else "",
        next_page=with_parameters(request, at=others[0].verdict_id if others else None),
        progress=progress_of(services, filters.query()),
        filters=filters,
        choices=CHOICES,
        facets=services.insights.facets(),
    )
