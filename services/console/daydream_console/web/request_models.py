"""Accept JSON posted to the console.

A body must be `application/json` and at most 1 MB. A page of another origin can't send that without
a preflight request, which the console does not answer. Endpoints that change something need the
token of `DAYDREAM_CONSOLE_TOKEN` as `Authorization: Bearer …`; without that setting they are off.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats.errors
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daydream_console.first_fault import first_fault
from daydream_console.web.dependencies import services_of
from daydream_contracts.errors import DaydreamError

T = TypeVar("T", bound=BaseModel)
BYTES_MAX = 1 << 20
CHANGES_OFF = (
    "Changes through the console are off. "
    "Set DAYDREAM_CONSOLE_TOKEN, or use the command: daydream --help"
)
WRONG_TOKEN = (
    "Missing or wrong token. Send the value of DAYDREAM_CONSOLE_TOKEN; "  # noqa: S105 (a text)
    "locally it is part of the URL that daydream up prints"
)


def protected(
    body_type: type[T], answer: Callable[[Request, T], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that needs the token, parses the body, and calls `answer`.

    It answers 401 or 403 without the right token, 400 for an invalid body, and 503 if a service or
    NATS is unavailable.
    """

    async def endpoint(request: Request) -> Response:
        if (refusal := _refuse(request)) is not None:
            return refusal
        body = await read_body(request)
        if isinstance(body, Response):
            return body
        try:
            return await answer(request, body_type.model_validate_json(body))
        except ValidationError as error:
            return JSONResponse({"error": first_fault(error)}, 400)
        except DaydreamError as error:
            return JSONResponse({"error": str(error)}, 503)
        except (nats.errors.Error, TimeoutError) as error:
            text = f"The change was not stored ({type(error).__name__}). Send it again"
            return JSONResponse({"error": text}, 503)

    return endpoint


def _refuse(request: Request) -> Response | None:
    token = services_of(request).token
    if not token:
        return JSONResponse({"error": CHANGES_OFF}, 403)
    given = request.headers.get("authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {token}".encode()):
        return JSONResponse({"error": WRONG_TOKEN}, 401)
    return None


async def read_body(request: Request) -> bytes | Response:
    """Return the body, or the response that says what is wrong with it."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type != "application/json":
        return JSONResponse({"error": "Send the body as application/json"}, 415)
    body = await request.body()
    if len(body) > BYTES_MAX:
        return JSONResponse({"error": f"The body is larger than {BYTES_MAX} bytes"}, 413)
    return body
