"""The loop as a diagram, and events as they happen."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from daydream_console.web.event_log import BACKLOG_MAX
from daydream_console.web.pages.overnight import last_visit_of
from daydream_console.web.pages.render import page
from daydream_console.web.services import Reader, Services
from daydream_contracts.topology import CONSUMERS

router = APIRouter()
EVENTS_SHOWN = 50
FRESH_SHOWN = 200
LOOP = (
    ("sampler", ""),
    ("synthesizer", "daydream.pair.sampled"),
    ("critic", "daydream.hypothesis.proposed"),
    ("oracle", "daydream.candidate.nominated"),
    ("memory", "daydream.verdict.reached"),
)
IN_LOOP = {subject for _, subject in LOOP}


@router.get("/live")
async def live(request: Request, services: Services, _: Reader) -> HTMLResponse:
    """Show the diagram and the latest events."""
    last_visit = last_visit_of(request)
    state = await services.loop.state()
    events = services.events.latest(BACKLOG_MAX)
    fresh = sum(datetime.fromisoformat(event["at"]) >= last_visit for event in events)
    stages = {stage.subject: stage for stage in state.stages}
    return await page(
        request,
        "live.html",
        state=state,
        loop=[(name, stages.get(subject)) for name, subject in LOOP],
        others=[
            stages[row.route.subject]
            for row in CONSUMERS
            if row.route.subject not in IN_LOOP and row.route.subject in stages
        ],
        rates=services.loop.rates_per_min(),
        spend=services.loop.spend_per_min(),
        events=events[: max(EVENTS_SHOWN, min(fresh, FRESH_SHOWN))],
        fresh=fresh,
        kept=BACKLOG_MAX,
        last_visit=last_visit,
        position=services.events.position,
    )


@router.get("/fragments/diagnosis")
async def diagnosis(request: Request, _: Reader) -> HTMLResponse:
    """Send the sentence that every screen shows."""
    return await page(request, "diagnosis.html")
