"""What may be posted to the console: JSON, and not too much of it. A page of another origin can't send JSON without being asked first."""

from __future__ import annotations

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

BYTES_MAX = 1 << 20


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
