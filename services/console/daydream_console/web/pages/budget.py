"""The budget: limits with forecast, spending, entries, changes, gateway keys."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from daydream_console.spending.queries import SpendKey
from daydream_console.web.api.budget import LedgerFilters
from daydream_console.web.pages.render import page, with_parameters
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_contracts.errors import DaydreamError
from daydream_contracts.rpc import BudgetState, EmptyRequest, KeyList
from daydream_contracts.topology import BUDGET_STATE, GATEWAY_KEYS

router = APIRouter()
PATIENCE_S = 1.0
BREAKDOWNS: tuple[SpendKey, ...] = get_args(SpendKey)


@router.get("/budget")
async def budget_page(request: Request, services: Services, _: Reader) -> HTMLResponse:
    """Show limits, spending and changes."""
    return await page(
        request,
        "budget.html",
        budget=await _budget(services),
        breakdowns={by: services.spending.breakdown(by) for by in BREAKDOWNS},
        costs=services.spending.insight_costs()[-14:],
        keys=await _keys(services),
    )


async def _budget(services: ConsoleServices) -> BudgetState | None:
    """Return the present state: what a person has just changed must be seen."""
    try:
        return await services.client.rpc.request(
            BUDGET_STATE, EmptyRequest(), patience_s=PATIENCE_S
        )
    except DaydreamError:
        return (await services.loop.state()).budget


async def _keys(services: ConsoleServices) -> KeyList | None:
    try:
        return await services.client.rpc.request(
            GATEWAY_KEYS, EmptyRequest(), patience_s=PATIENCE_S
        )
    except DaydreamError:
        return None


@router.get("/budget/entries")
async def entries_page(
    request: Request, filters: Annotated[LedgerFilters, Query()], services: Services, _: Reader
) -> HTMLResponse:
    """Show the ledger entries behind a figure."""
    shown = services.spending.entries(filters.columns, filters.before, filters.limit)
    return await page(
        request,
        "entries.html",
        entries=shown.entries,
        filters=filters.model_dump(exclude={"cursor", "limit"}),
        next_page=with_parameters(request, cursor=shown.next_cursor) if shown.next_cursor else "",
    )
