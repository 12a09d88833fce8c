"""The review queue: one insight at a time, blind, by keyboard."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from daydream_console.web.api.opinions import progress_of, queue_with_reviewed
from daydream_console.web.pages.filters import CHOICES, Filters, InsightFilters
from daydream_console.web.pages.render import page, with_parameters
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_contracts.rpc import InsightState, InsightSummary

router = APIRouter()


@router.get("/review")
async def review_queue(
    request: Request, services: Services, filters: Filters, _: Reader, at: str = ""
) -> HTMLResponse:
    """Show the insight `at`, or the first that is not reviewed, within the filters.

    "Next" goes through those that are not reviewed, and from the last to the first. "Previous" is
    the one before in the same order, reviewed or not.
    """
    whole = queue_with_reviewed(filters.query())
    waiting = filters.model_copy(update={"reviewed": "no"}).query(limit=2)
    queue = services.insights.find(waiting).insights
    current = _insight(services, filters, at) or next(iter(queue), None)
    previous = following = ""
    if current:
        shown = current.verdict_id
        previous = services.insights.neighbour(whole, shown, after=False)
        rest = [each.verdict_id for each in queue if each.verdict_id != shown]
        following = services.insights.neighbour(waiting, shown, after=True) or next(iter(rest), "")
    return await page(
        request,
        "review.html",
        insight=current,
        previous_page=with_parameters(request, at=previous) if previous else "",
        next_page=with_parameters(request, at=following or None),
        progress=progress_of(services, filters.query()),
        filters=filters,
        choices=CHOICES,
        facets=services.insights.facets(),
    )


def _insight(
    services: ConsoleServices, filters: InsightFilters, verdict_id: str
) -> InsightSummary | None:
    """Return one insight in any state, or None."""
    if not verdict_id:
        return None
    query = filters.query(
        insight_ids=(verdict_id,), states=tuple(InsightState), limit=1, since=None
    )
    return next(iter(services.insights.find(query).insights), None)
