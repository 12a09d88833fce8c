"""What all routes of the API have in common: ETags, and no parameter that means nothing.

A client that has the present answer already gets 304 without a body. A parameter that a route does
not know is refused: a misspelt filter would look like one that matches everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute
from starlette.responses import StreamingResponse

from daydream_console.web.problems import ProblemError

OK = 200
NAME_CHARS = 100


class ApiRoute(APIRoute):
    """A route that knows its parameters, and whose GET answers carry a validator."""

    def get_route_handler(self) -> Any:
        original = super().get_route_handler()
        known = _query_parameters(self)

        async def handle(request: Request) -> Response:
            _check_parameters(request, known)
            response: Response = await original(request)
            streams = isinstance(response, StreamingResponse)
            if request.method != "GET" or response.status_code != OK or streams:
                return response
            tag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
            headers = {"ETag": tag, "Cache-Control": "no-cache"}
            if _matches(request.headers.get("if-none-match", ""), tag):
                return Response(status_code=304, headers=headers)
            response.headers.update(headers)
            return response

        return handle


def _query_parameters(route: APIRoute) -> set[str]:
    """Return the names of a route's query parameters, also of those in a model."""
    return {
        field.alias
        for field in get_flat_params(route.dependant)
        if not isinstance(field.field_info, Path | Header | Cookie)
    }


def _check_parameters(request: Request, known: Collection[str]) -> None:
    """Raise the problem 400 for a query parameter that the route does not have."""
    for name in request.query_params:
        if name not in known:
            names = ", ".join(sorted(known))
            fix = f"Use one of: {names}" if known else "Leave it out: there are none here"
            detail = f"Unknown parameter: {name[:NAME_CHARS]}"
            raise ProblemError(400, "unknown-parameter", detail, fix, name[:NAME_CHARS])


def _matches(given: str, tag: str) -> bool:
    tags = {part.strip().removeprefix("W/") for part in given.split(",")}
    return tag in tags or "*" in tags
