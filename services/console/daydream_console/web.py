"""The page and the JSON API. What changes something stands in modules of its own; texts of models and documents are sent as data, never as markup."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.resources import files

from nats.js import JetStreamContext
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from daydream_console.alerts import alerts
from daydream_console.budget_routes import changes
from daydream_console.feed import atom, insights_of, json_feed
from daydream_console.foreground import foreground
from daydream_console.live import EventFanout
from daydream_console.overview import overview
from daydream_console.request_models import first_fault
from daydream_console.reviews import reviews
from daydream_contracts.errors import DaydreamError
from daydream_contracts.events import Message
from daydream_contracts.rpc import EmptyRequest, ListDocuments, ListVerdicts, Search
from daydream_contracts.topology import (
    BUDGET_STATE,
    CRITIC_STATE,
    MEMORY_DOCUMENTS,
    MEMORY_INSIGHTS,
    MEMORY_SEARCH,
)
from daydream_runtime.rpc import RpcClient

FILES = {"app.js": "text/javascript", "style.css": "text/css"}
WHICH = {
    "insights": {"promoted_only": True},
    "verdicts": {"promoted_only": False},
    "pending-reviews": {"quarantined_only": True},
}
FEED_ITEMS = 50
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def routes(
    ask: RpcClient,
    js: JetStreamContext,
    live: EventFanout,
    publish: Callable[[Message], Awaitable[None]],
    stopping: asyncio.Event,
    token: str,
) -> list[BaseRoute]:
    """Everything that the console serves."""
    folder = files("daydream_console") / "page"

    async def page(_: Request) -> Response:
        return HTMLResponse((folder / "index.html").read_text(), headers=HEADERS)

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FILES:
            return JSONResponse({"error": "there is no such file"}, 404)
        return Response((folder / name).read_text(), media_type=FILES[name], headers=HEADERS)

    async def get_overview(_: Request) -> BaseModel:
        return await overview(ask, js)

    async def get_budget(_: Request) -> BaseModel:
        return await ask(BUDGET_STATE, EmptyRequest())

    async def get_alerts(_: Request) -> BaseModel:
        return await alerts(js)

    async def get_verdicts(request: Request) -> BaseModel:
        which = WHICH[request.url.path.rpartition("/")[2]]
        return await ask(
            MEMORY_INSIGHTS, ListVerdicts.model_validate({**request.query_params, **which})
        )

    async def get_critic(_: Request) -> BaseModel:
        return await ask(CRITIC_STATE, EmptyRequest())

    async def get_documents(_: Request) -> BaseModel:
        return await ask(MEMORY_DOCUMENTS, ListDocuments())

    async def get_search(request: Request) -> BaseModel:
        return await ask(MEMORY_SEARCH, Search.model_validate(dict(request.query_params)))

    async def feed(request: Request) -> Response:
        try:
            found = insights_of(await ask(MEMORY_INSIGHTS, ListVerdicts(limit=FEED_ITEMS)))
        except DaydreamError as failure:
            return JSONResponse({"error": str(failure)}, 503, HEADERS)
        home = str(request.base_url)
        if request.url.path.endswith(".json"):
            return JSONResponse(
                json_feed(found, home), headers=HEADERS, media_type="application/feed+json"
            )
        return Response(atom(found, home), headers=HEADERS, media_type="application/atom+xml")

    async def events(_: Request) -> Response:
        return StreamingResponse(
            live.events(stopping), media_type="text/event-stream", headers=HEADERS
        )

    return [
        Route("/", page),
        Route("/static/{name}", static),
        Route("/feed.json", feed),
        Route("/feed.atom", feed),
        Route("/api/state", _json(get_overview)),
        Route("/api/budget", _json(get_budget), methods=["GET"]),
        Route("/api/budget", changes(ask, token), methods=["POST"]),
        Route("/api/alerts", _json(get_alerts)),
        Route("/api/insights", _json(get_verdicts)),
        Route("/api/verdicts", _json(get_verdicts)),
        Route("/api/pending-reviews", _json(get_verdicts)),
        Route("/api/reviews", reviews(ask, publish, token), methods=["POST"]),
        Route("/api/critic", _json(get_critic)),
        Route("/api/documents", _json(get_documents)),
        Route("/api/search", _json(get_search)),
        Route("/api/events", events),
        Route("/api/foreground", foreground(publish), methods=["POST"]),
    ]


def _json(
    answer: Callable[[Request], Awaitable[BaseModel]],
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = (await answer(request)).model_dump_json()
        except ValidationError as error:
            return JSONResponse({"error": first_fault(error)}, 400, HEADERS)
        except DaydreamError as failure:
            return JSONResponse({"error": str(failure)}, 503, HEADERS)
        return Response(body, media_type="application/json", headers=HEADERS)

    return endpoint
