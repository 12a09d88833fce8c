"""The first screen: what was found since the last visit, best first."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from daydream_console.alerts import alerts_since
from daydream_console.web.pages.filters import CHOICES, InsightFilters
from daydream_console.web.pages.render import page, with_parameters
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_contracts.errors import DaydreamError
from daydream_contracts.rpc import InsightState

router = APIRouter()
COOKIE = "daydream-visits"
VISIT = timedelta(minutes=30)
COOKIE_S = 400 * 86_400
BEST = 10
BEGINNING = datetime.min.replace(tzinfo=UTC)


@router.get("/")
async def overnight(
    request: Request, services: Services, _: Reader, since: str = "", cursor: str = "", on: str = ""
) -> HTMLResponse:
    """Show the best insights since a time; by default since the last visit. `on`: a date."""
    last, current = visits(request.cookies.get(COOKIE, ""), datetime.now(UTC))
    chosen = on or since or last
    filters = InsightFilters(since="" if chosen == "all" else chosen, cursor=cursor)
    query = filters.query(limit=BEST)
    shown = services.insights.find(query)
    response = await page(
        request,
        "overnight.html",
        insights=shown,
        since=query.since,
        chosen=since,
        on=on,
        alerts=await _alerts(services, query.since),
        last_visit=last,
        figures=_figures(services, query.since),
        choices=CHOICES,
        next_page=with_parameters(request, cursor=shown.next_cursor),
        budget=(await services.loop.state()).budget,
    )
    response.set_cookie(
        COOKIE, f"{last}|{current}", max_age=COOKIE_S, httponly=True, samesite="strict"
    )
    return response


def last_visit_of(request: Request) -> datetime:
    """Return when the last visit ended; a day ago for a new visitor."""
    return datetime.fromisoformat(visits(request.cookies.get(COOKIE, ""), datetime.now(UTC))[0])


def visits(cookie: str, now: datetime) -> tuple[str, str]:
    """Return when the last visit ended, and now. A visit ends with 30 minutes without a request."""
    last, _, current = cookie.partition("|")
    try:
        datetime.fromisoformat(last)
        seen = datetime.fromisoformat(current)
        fresh = now - seen < VISIT
    except (ValueError, TypeError):
        return (now - timedelta(days=1)).isoformat(timespec="seconds"), _text(now)
    return (last if fresh else current), _text(now)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


async def _alerts(services: ConsoleServices, since: datetime | None) -> int:
    """Return the number of alerts since a time, up to 20. Without NATS the diagnosis says so."""
    if not (await services.loop.state()).connected:
        return 0
    with contextlib.suppress(DaydreamError):
        return len((await alerts_since(services.client.js, since or BEGINNING)).alerts)
    return 0


def _figures(services: ConsoleServices, since: datetime | None) -> dict[str, int]:
    """Return the numbers of the line above the insights."""
    start = since.timestamp() if since else 0.0
    row = services.insights.index.database.execute(
        "select count(*) as daydreams, coalesce(sum(decision = 'promoted'), 0) as promoted,"
        " coalesce(sum(cost_nanousd), 0) as spent, coalesce(sum(state = ?), 0) as pending"
        " from hypotheses where reached_at >= ?",
        (InsightState.PENDING.value, start),
    ).fetchone()
    return dict(row)
