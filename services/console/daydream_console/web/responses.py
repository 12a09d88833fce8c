"""Headers and errors of the console's responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daydream_console.first_fault import first_fault
from daydream_contracts.errors import DaydreamError

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def json_endpoint(
    answer: Callable[[Request], Awaitable[BaseModel]],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that sends the model as JSON: 400 for invalid parameters, 503 for an
    unavailable service.
    """

    async def endpoint(request: Request) -> Response:
        try:
            body = (await answer(request)).model_dump_json()
        except ValidationError as error:
            return JSONResponse({"error": first_fault(error)}, 400, HEADERS)
        except DaydreamError as error:
            return JSONResponse({"error": str(error)}, 503, HEADERS)
        return Response(body, media_type="application/json", headers=HEADERS)

    return endpoint
