"""The HTTP API: one module per subject. All of it is described by OpenAPI."""

from fastapi import APIRouter

from daydream_console.web.api import (
    budget,
    dead_letters,
    events,
    foreground,
    insights,
    keys,
    loop,
    memory,
    memory_map,
    opinions,
    reports,
    tables,
    visibility,
)
from daydream_console.web.api_route import ApiRoute

MODULES = (
    insights,
    opinions,
    visibility,
    budget,
    keys,
    loop,
    reports,
    memory,
    memory_map,
    dead_letters,
    events,
    foreground,
    tables,
)


def api_router() -> APIRouter:
    """Return all routes of version 1."""
    router = APIRouter(prefix="/api/v1", route_class=ApiRoute)
    for module in MODULES:
        router.include_router(module.router)
    return router
