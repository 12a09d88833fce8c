"""What may be posted to the console, and by whom: JSON, and not too much of it; what changes something takes the token of `DAYDREAM_CONSOLE_TOKEN` as
`Authorization: Bearer …`, and is off without one. A page of another origin can't send JSON without being asked first."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

import nats.errors
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daydream_contracts.errors import DaydreamError

T = TypeVar("T", bound=BaseModel)
BYTES_MAX = 1 << 20
OFF = "changes through the console are off; set DAYDREAM_CONSOLE_TOKEN, or use the command: daydream --help"


def posted(
    kind: type[T], answer: Callable[[T], Awaitable[Response]], token: str
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for whoever has the token: what `answer` says to the body as a `kind`; 400 for a wrong body, 503 for what is away."""

    async def endpoint(request: Request) -> Response:
        if (refused := forbidden(request, token)) is not None:
            return refused
        body = await body_of(request)
        if isinstance(body, Response):
            return body
        try:
            return await answer(kind.model_validate_json(body))
        except ValidationError as error:
            return JSONResponse({"error": first_fault(error)}, 400)
        except DaydreamError as failure:
            return JSONResponse({"error": str(failure)}, 503)
        except (nats.errors.Error, TimeoutError) as trouble:
            return JSONResponse(
                {"error": f"it could not be kept, send it again: {type(trouble).__name__}"}, 503
            )

    return endpoint


def forbidden(request: Request, token: str) -> Response | None:
    """The answer to whoever may not change anything; None for whoever may."""
    if not token:
        return JSONResponse({"error": OFF}, 403)
    if not hmac.compare_digest(
        request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()
    ):
        return JSONResponse(
            {
                "error": "the token is missing or wrong; the page has it in the address that daydream up prints"
            },
            401,
        )
    return None


async def body_of(request: Request) -> bytes | Response:
    """The body, or the answer that says what is wrong with it."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return JSONResponse({"error": "send it as application/json"}, 415)
    body = await request.body()
    if len(body) > BYTES_MAX:
        return JSONResponse({"error": f"it is larger than {BYTES_MAX} bytes"}, 413)
    return body


def first_fault(error: ValidationError) -> str:
    """What is wrong, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
