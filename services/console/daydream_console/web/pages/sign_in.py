"""The sign-in page, which needs no sign-in."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from daydream_console.web.pages.render import ENVIRONMENT
from daydream_console.web.problems import Problem

router = APIRouter()


@router.get("/sign-in")
async def sign_in(request: Request) -> HTMLResponse:
    """Show the form that takes a token."""
    return HTMLResponse(ENVIRONMENT.get_template("sign_in.html").render())


def error_page(request: Request, problem: Problem) -> Response:
    """Return a page that says what is wrong, and what to do; the sign-in page if it is that."""
    if problem.status == 401:
        return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", 303)
    template = ENVIRONMENT.get_template("error.html")
    return HTMLResponse(template.render(problem=problem), problem.status)
