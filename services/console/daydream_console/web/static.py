"""Serve the files of the pages: our own, and vendored ones. They may be cached."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
VENDORED = "vendor"


def static_app() -> StaticFiles:
    """Return the application for /static."""
    return CachedFiles(directory=FOLDER)


class CachedFiles(StaticFiles):
    """Let browsers keep vendored files, and ask again for our own, with an ETag."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        keep = "max-age=86400" if path.startswith(VENDORED) else "no-cache"
        response.headers["Cache-Control"] = keep
        return response
