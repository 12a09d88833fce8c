"""Read endpoints of the HTTP API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from daydream_console.alerts import Alerts, latest_alerts
from daydream_console.overview import Overview, overview
from daydream_console.web.dependencies import services_of
from daydream_console.web.responses import json_endpoint
from daydream_contracts.rpc import (
    BudgetState,
    CriticState,
    DocumentPage,
    EmptyRequest,
    ListDocuments,
    ListVerdicts,
    Search,
    SearchResults,
    VerdictPage,
)
from daydream_contracts.topology import (
    BUDGET_STATE,
    CRITIC_STATE,
    MEMORY_DOCUMENTS,
    MEMORY_SEARCH,
    MEMORY_VERDICTS,
)


async def state(request: Request) -> Overview:
    """Return the system at a glance."""
    services = services_of(request)
    return await overview(services.rpc, services.js)


async def budget(request: Request) -> BudgetState:
    """Return the state of the ledger."""
    return await services_of(request).rpc.request(BUDGET_STATE, EmptyRequest())


async def alerts(request: Request) -> Alerts:
    """Return the latest alerts."""
    return await latest_alerts(services_of(request).js)


async def insights(request: Request) -> VerdictPage:
    """Return a page of promoted verdicts."""
    return await _verdicts(request, promoted_only=True)


async def verdicts(request: Request) -> VerdictPage:
    """Return a page of all verdicts."""
    return await _verdicts(request, promoted_only=False)


async def pending_reviews(request: Request) -> VerdictPage:
    """Return a page of verdicts that are waiting for review."""
    return await _verdicts(request, quarantined_only=True)


async def _verdicts(request: Request, **filters: bool) -> VerdictPage:
    query = ListVerdicts.model_validate({**request.query_params, **filters})
    return await services_of(request).rpc.request(MEMORY_VERDICTS, query)


async def critic(request: Request) -> CriticState:
    """Return the quality of the judges."""
    return await services_of(request).rpc.request(CRITIC_STATE, EmptyRequest())


async def documents(request: Request) -> DocumentPage:
    """Return the latest document reports."""
    return await services_of(request).rpc.request(MEMORY_DOCUMENTS, ListDocuments())


async def search(request: Request) -> SearchResults:
    """Search the memory."""
    query = Search.model_validate(dict(request.query_params))
    return await services_of(request).rpc.request(MEMORY_SEARCH, query)


ROUTES = (
    Route("/api/state", json_endpoint(state)),
    Route("/api/budget", json_endpoint(budget), methods=["GET"]),
    Route("/api/alerts", json_endpoint(alerts)),
    Route("/api/insights", json_endpoint(insights)),
    Route("/api/verdicts", json_endpoint(verdicts)),
    Route("/api/pending-reviews", json_endpoint(pending_reviews)),
    Route("/api/critic", json_endpoint(critic)),
    Route("/api/documents", json_endpoint(documents)),
    Route("/api/search", json_endpoint(search)),
)
