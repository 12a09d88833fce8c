"""The budget: limits, changes, spending, and the ledger entries behind the figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from daydream_console.spending.queries import (
    InsightCost,
    LedgerPage,
    SpendKey,
    SpendPoint,
    SpendRow,
)
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS, WRITE_PROBLEMS, ProblemError
from daydream_console.web.services import Reader, Services, Writer, check_json, record_command
from daydream_console.web.tables import FILE_RESPONSES, FileFormat, file_response
from daydream_contracts.rpc import (
    EVERYTHING,
    BudgetState,
    Change,
    ChangeBudget,
    EmptyRequest,
    Scope,
)
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_STATE

router = APIRouter(tags=["budget"], route_class=ApiRoute, responses=READ_PROBLEMS)
SERIES_DAYS_MAX = 400
FILE_ROWS_MAX = 100_000
ENTRY = r"^(\d{1,15}\.\d{1,6})?$"
FilterName = Annotated[str, Field(max_length=200)]


class BudgetChangeBody(BaseModel):
    """A change, with its reason. With a `change_id` it is made once, however often it is sent."""

    change: Change
    why: Annotated[str, Field(max_length=2000)] = ""
    change_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        default_factory=lambda: uuid4().hex
    )


@router.get("/budget")
async def get_budget(services: Services, _: Reader) -> BudgetState:
    """Return the state of the ledger."""
    return await services.client.rpc.request(BUDGET_STATE, EmptyRequest())


@router.post("/budget/changes", dependencies=[Depends(check_json)], responses=WRITE_PROBLEMS)
async def change_budget(
    body: BudgetChangeBody, request: Request, services: Services, who: Writer
) -> BudgetState:
    """Change a limit, the tax, the pause or the time zone, or correct a cost."""
    await record_command(request, who, about=body.change.model_dump_json(), why=body.why)
    wanted = ChangeBudget(change_id=body.change_id, change=body.change, who=who.who, why=body.why)
    answer = await services.client.rpc.request(BUDGET_CHANGE, wanted)
    if answer.refusal is not None:
        raise ProblemError(409, answer.refusal.reason, answer.refusal.text)
    return answer.state


@router.get("/budget/spend")
async def get_spend(
    services: Services,
    _: Reader,
    by: SpendKey = "stage",
    since: AwareDatetime | None = None,
) -> list[SpendRow]:
    """Return what was spent by stage, model, team, purpose, key or strategy."""
    return services.spending.breakdown(by, since)


@router.get("/budget/series")
async def get_series(
    services: Services,
    _: Reader,
    days: Annotated[int, Query(ge=1, le=SERIES_DAYS_MAX)] = 30,
    scope: Scope = EVERYTHING,
) -> list[SpendPoint]:
    """Return what was spent in each hour of the last days, in the scope of a limit."""
    return services.spending.series(datetime.now(UTC) - timedelta(days=days), scope)


@router.get("/budget/insight-costs")
async def get_insight_costs(services: Services, _: Reader) -> list[InsightCost]:
    """Return what an insight cost on each day."""
    return services.spending.insight_costs()


class LedgerFilters(BaseModel):
    """Which entries to list. An empty field does not filter."""

    kind: FilterName = ""
    stage: FilterName = ""
    model: FilterName = ""
    team: FilterName = ""
    purpose: FilterName = ""
    key: FilterName = ""
    reservation_id: FilterName = ""
    cursor: Annotated[str, Field(pattern=ENTRY, max_length=30)] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100

    @property
    def before(self) -> tuple[int, int] | None:
        """Return the place of the cursor."""
        sequence, _, number = self.cursor.partition(".")
        return (int(sequence), int(number)) if self.cursor else None

    @property
    def columns(self) -> dict[str, str]:
        """Return the columns that must have these values."""
        fields = self.model_dump(exclude={"cursor", "limit"})
        return {column: value for column, value in fields.items() if value}


@router.get("/budget/entries")
async def list_entries(
    filters: Annotated[LedgerFilters, Query()], services: Services, _: Reader
) -> LedgerPage:
    """List entries of the ledger, the latest first."""
    return services.spending.entries(filters.columns, filters.before, filters.limit)


@router.get("/budget/entries/download", response_class=Response, responses=FILE_RESPONSES)
async def download_entries(
    filters: Annotated[LedgerFilters, Query()],
    services: Services,
    _: Reader,
    file_format: FileFormat = "csv",
) -> Response:
    """Download the latest entries that match the filters, up to 100,000, as CSV or JSON."""
    rows = services.spending.entries(filters.columns, filters.before, FILE_ROWS_MAX).entries
    return file_response(rows, "ledger", file_format)
