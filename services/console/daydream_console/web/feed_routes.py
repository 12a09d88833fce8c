"""Serve the feeds of insights in use, the latest first."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response

from daydream_console.web.feed import atom, json_feed
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_contracts.rpc import InsightQuery, InsightState, InsightSummary

router = APIRouter(tags=["feeds"], responses=READ_PROBLEMS)
ITEMS_MAX = 50


def _latest(services: ConsoleServices) -> tuple[InsightSummary, ...]:
    query = InsightQuery(states=(InsightState.ACTIVE,), sort="date", limit=ITEMS_MAX)
    return services.insights.find(query).insights


@router.get("/feed.json", response_class=Response)
async def feed_json(request: Request, services: Services, _: Reader) -> Response:
    """Send the latest insights as JSON Feed."""
    content = json.dumps(json_feed(_latest(services), str(request.base_url)))
    return Response(content, media_type="application/feed+json")


@router.get("/feed.atom", response_class=Response)
async def feed_atom(request: Request, services: Services, _: Reader) -> Response:
    """Send the latest insights as Atom."""
    content = atom(_latest(services), str(request.base_url))
    return Response(content, media_type="application/atom+xml")
