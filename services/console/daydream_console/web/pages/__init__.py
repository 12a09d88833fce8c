"""The pages: HTML from templates, over what the API returns."""

from fastapi import APIRouter

from daydream_console.web.pages import (
    budget,
    insights,
    live,
    memory,
    operations,
    overnight,
    reports,
    review,
    sign_in,
)

MODULES = (overnight, insights, review, live, budget, reports, memory, operations, sign_in)


def pages_router() -> APIRouter:
    """Return the routes of all pages. They are not part of the API's description."""
    router = APIRouter(include_in_schema=False)
    for module in MODULES:
        router.include_router(module.router)
    return router
