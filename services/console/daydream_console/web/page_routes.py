"""Serve the page and its files, and the live stream of events.

Texts of models and documents are sent as JSON and shown as text, never as markup.
"""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from daydream_console.web.dependencies import services_of
from daydream_console.web.responses import HEADERS

FOLDER = files("daydream_console") / "page"
MEDIA_TYPES = {"js": "text/javascript", "css": "text/css"}
STATIC_FILES = {  # only these names are served, so no path leads out of the folder
    file.name: MEDIA_TYPES[ending]
    for file in FOLDER.iterdir()
    if (ending := file.name.rpartition(".")[2]) in MEDIA_TYPES
}


async def page(_: Request) -> Response:
    """Send the page."""
    return HTMLResponse((FOLDER / "index.html").read_text(), headers=HEADERS)


async def static_file(request: Request) -> Response:
    """Send a script or the style sheet of the page."""
    name = request.path_params["name"]
    if name not in STATIC_FILES:
        return JSONResponse({"error": f"No such file: {name}"}, 404)
    content = (FOLDER / name).read_text()
    return Response(content, media_type=STATIC_FILES[name], headers=HEADERS)


async def events(request: Request) -> Response:
    """Stream events (server-sent events) until the client leaves or the console stops."""
    services = services_of(request)
    stream = services.events.stream(services.stopping)
    return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)


ROUTES = (
    Route("/", page),
    Route("/static/{name}", static_file),
    Route("/api/events", events),
)
