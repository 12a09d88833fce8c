"""The console's web application: the API, the pages over it, and what surrounds both."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from daydream_console.web.api import api_router
from daydream_console.web.feed_routes import router as feed_router
from daydream_console.web.pages import pages_router
from daydream_console.web.pages.sign_in import error_page
from daydream_console.web.problems import Problem, answer_problems
from daydream_console.web.security import SecurityMiddleware, TokenBuckets
from daydream_console.web.services import ConsoleServices
from daydream_console.web.sign_in import router as sign_in_router
from daydream_console.web.static import static_app

RATE_PER_S, BURST = 50.0, 200.0
DESCRIPTION = """Everything that the console shows and does. Lists have cursors, answers have ETags,
errors are problem documents (RFC 9457) with a fix. Send a token as `Authorization: Bearer …`."""


def web_app(
    services: ConsoleServices, hosts: Collection[str] = (), buckets: TokenBuckets | None = None
) -> ASGIApp:
    """Return the guarded application. `hosts`: names that it answers to, besides addresses."""
    app = application(services)
    limits = buckets or TokenBuckets(RATE_PER_S, BURST)
    return SecurityMiddleware(app, hosts, limits, services.access)


def application(services: ConsoleServices | None) -> FastAPI:
    """Return the application itself. Without services it can only be described."""
    app = FastAPI(
        title="daydream",
        version=version("daydream-runtime"),
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.include_router(api_router())
    app.include_router(sign_in_router)
    app.include_router(feed_router)
    app.include_router(pages_router())
    app.mount("/static", static_app())
    answer_problems(app, error_page)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI description: problems in place of FastAPI's own 422."""
    if app.openapi_schema is None:
        schema = FastAPI.openapi(app)
        schemas = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Problem"] = Problem.model_json_schema()
        schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"token": []}]
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
        app.openapi_schema = schema
    return app.openapi_schema
