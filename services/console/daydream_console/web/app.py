"""The console's web application: one Starlette app with the routes of its modules."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from daydream_console.web import (
    api_routes,
    budget_routes,
    feed_routes,
    foreground_routes,
    page_routes,
    review_routes,
)
from daydream_console.web.dependencies import WebServices

ROUTES: tuple[Route, ...] = (
    *page_routes.ROUTES,
    *feed_routes.ROUTES,
    *api_routes.ROUTES,
    *budget_routes.ROUTES,
    *review_routes.ROUTES,
    *foreground_routes.ROUTES,
)


def web_app(services: WebServices) -> Starlette:
    """Return the application. Its endpoints find their collaborators in its state."""
    app = Starlette(routes=list(ROUTES))
    app.state.services = services
    return app
