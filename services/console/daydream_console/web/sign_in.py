"""Sign in with a token: the browser gets a session cookie that scripts can't read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, SecretStr

from daydream_console.web.access import COOKIE, SESSION_S, Identity, check_same_origin
from daydream_console.web.problems import WRITE_PROBLEMS, ProblemError
from daydream_console.web.services import Services, check_json

router = APIRouter(tags=["session"], responses=WRITE_PROBLEMS)
ANYBODY = Identity("", may_write=False, via="session")


class SignInBody(BaseModel):
    """A token, and the person's name, unless the token is named."""

    token: Annotated[SecretStr, Field(min_length=1, max_length=1000)]
    who: Annotated[str, Field(max_length=100)] = ""


class Session(BaseModel):
    """What the session may do."""

    may_write: bool


@router.post("/api/v1/session", dependencies=[Depends(check_json)])
async def sign_in(
    body: SignInBody, request: Request, response: Response, services: Services
) -> Session:
    """Start a session of 30 days."""
    check_same_origin(request, ANYBODY)
    token = services.access.token_of(body.token.get_secret_value())
    if token is None:
        raise ProblemError(
            401, "unauthorized", "The token is wrong", "Use a value of DAYDREAM_CONSOLE_TOKEN"
        )
    response.set_cookie(
        COOKIE,
        services.access.session(token, body.who),
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return Session(may_write=token.may_write)


@router.delete("/api/v1/session", status_code=204)
async def sign_out(request: Request) -> Response:
    """End the session."""
    check_same_origin(request, ANYBODY)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
