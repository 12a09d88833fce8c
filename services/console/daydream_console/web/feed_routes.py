"""Serve the feeds of insights."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daydream_console.web.dependencies import services_of
from daydream_console.web.feed import active_insights, atom, json_feed
from daydream_console.web.responses import HEADERS
from daydream_contracts.errors import DaydreamError
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS

ITEMS_MAX = 50


async def feed(request: Request) -> Response:
    """Send the latest insights as JSON Feed or Atom. 503 if the memory does not answer."""
    try:
        page = await services_of(request).rpc.request(
            MEMORY_VERDICTS, ListVerdicts(limit=ITEMS_MAX)
        )
    except DaydreamError as error:
        return JSONResponse({"error": str(error)}, 503, HEADERS)
    insights, home = active_insights(page), str(request.base_url)
    if request.url.path.endswith(".json"):
        content = json_feed(insights, home)
        return JSONResponse(content, headers=HEADERS, media_type="application/feed+json")
    return Response(atom(insights, home), headers=HEADERS, media_type="application/atom+xml")


ROUTES = (Route("/feed.json", feed), Route("/feed.atom", feed))
