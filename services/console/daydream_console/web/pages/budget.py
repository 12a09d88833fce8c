"""The budget: limits with forecast, spending, entries, changes, gateway keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
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


class OpenForm(BaseModel):
    """The form that is open when the page is shown, so that a diagnosis leads straight to it."""

    do: Annotated[str, Field(max_length=20)] = ""
    scope: Annotated[str, Field(max_length=210)] = ""
    window: Annotated[str, Field(max_length=20)] = ""


@router.get("/budget")
async def budget_page(
    request: Request, services: Services, form: Annotated[OpenForm, Query()], _: Reader
) -> HTMLResponse:
    """Show limits, spending and changes."""
    breakdowns = {by: services.spending.breakdown(by) for by in BREAKDOWNS}
    return await page(
        request,
        "budget.html",
        budget=await _budget(services),
        form=form,
        breakdowns=breakdowns,
        key_spend={row.name: row.settled_nanousd for row in breakdowns["key"]},
        costs=services.spending.insight_costs()[-14:],
        one_day=timedelta(days=1),
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
        download=urlencode(filters.columns),
        next_page=with_parameters(request, cursor=shown.next_cursor) if shown.next_cursor else "",
    )
