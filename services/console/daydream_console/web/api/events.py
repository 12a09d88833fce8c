"""The live stream of events, as server-sent events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import Reader, Services

router = APIRouter(tags=["events"], route_class=ApiRoute, responses=READ_PROBLEMS)
ID_CHARS_MAX = 1000


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def stream_events(
    services: Services,
    _: Reader,
    last_event_id: Annotated[str, Header(max_length=ID_CHARS_MAX)] = "",
    last_id: Annotated[str, Query(max_length=ID_CHARS_MAX)] = "",
) -> StreamingResponse:
    """Stream events. After a break, `Last-Event-ID` continues where it stopped."""
    stream = services.events.stream(services.stopping, last_event_id or last_id)
    return StreamingResponse(stream, media_type="text/event-stream")


@router.get("/events/latest")
async def latest_events(
    services: Services, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[dict[str, Any]]:
    """Return the latest events, the newest first."""
    return services.events.latest(limit)
