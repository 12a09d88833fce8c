"""Every table of the pages as a file: CSV or JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, TypeAdapter

from daydream_console.alerts import latest_alerts
from daydream_console.commands_log import latest_commands
from daydream_console.spending.queries import SpendKey
from daydream_console.web.api.dead_letters import letters_page
from daydream_console.web.api.loop import settings_of
from daydream_console.web.api.memory_map import map_of
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_console.web.tables import Format, csv_response
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import (
    BUDGET_STATE,
    CRITIC_STATE,
    GATEWAY_KEYS,
    SAMPLER_STATE,
    SYNTHESIZER_STATE,
)

router = APIRouter(tags=["tables"], route_class=ApiRoute, responses=READ_PROBLEMS)
LETTERS_MAX = 2000
COMMANDS_MAX = 1000
Rows = Sequence[BaseModel]
TableName = Literal[
    "alerts",
    "budget-changes",
    "calibration",
    "commands",
    "dead-letters",
    "gates",
    "insight-costs",
    "judges",
    "keys",
    "limits",
    "map",
    "settings",
    "spend-by-model",
    "spend-by-purpose",
    "spend-by-stage",
    "spend-by-strategy",
    "spend-by-team",
    "stages",
    "strategies",
    "writers",
]


class GateRow(BaseModel):
    """What one gate stopped and saved."""

    gate: str
    stopped: int
    saved_nanousd: int


class SettingRow(BaseModel):
    """One setting of one service."""

    service: str
    name: str
    value: str
    origin: str


@router.get(
    "/tables/{name}",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}, "application/json": {}}}},
)
async def download_table(
    name: TableName,
    services: Services,
    _: Reader,
    file_format: Annotated[Format, Query(alias="format")] = "csv",
) -> Response:
    """Download one table as CSV or JSON."""
    rows = await TABLES[name](services)
    if file_format == "csv":
        return csv_response(rows, name)
    content = TypeAdapter(list[BaseModel]).dump_json(list(rows), serialize_as_any=True)
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Response(content, headers=headers, media_type="application/json")


async def _gates(services: ConsoleServices) -> Rows:
    critic = await services.client.rpc.request(CRITIC_STATE, EmptyRequest())
    return [
        GateRow(gate=gate, stopped=count, saved_nanousd=critic.saved_nanousd.get(gate, 0))
        for gate, count in critic.stopped.items()
    ]


async def _settings(services: ConsoleServices) -> Rows:
    return [
        SettingRow(
            service=report.service,
            name=setting.name,
            value=setting.value,
            origin=setting.origin,
        )
        for report in await settings_of(services)
        for setting in report.settings
    ]


async def _judges(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(CRITIC_STATE, EmptyRequest())).judges


async def _calibration(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(CRITIC_STATE, EmptyRequest())).calibration


async def _strategies(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(SAMPLER_STATE, EmptyRequest())).strategies


async def _writers(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(SYNTHESIZER_STATE, EmptyRequest())).writers


async def _keys(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(GATEWAY_KEYS, EmptyRequest())).keys


async def _limits(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(BUDGET_STATE, EmptyRequest())).limits


async def _map(services: ConsoleServices) -> Rows:
    return (await map_of(services)).pairs


async def _budget_changes(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(BUDGET_STATE, EmptyRequest())).changes


async def _stages(services: ConsoleServices) -> Rows:
    return (await services.loop.state()).stages


async def _alerts(services: ConsoleServices) -> Rows:
    return (await latest_alerts(services.client.js)).alerts


async def _commands(services: ConsoleServices) -> Rows:
    return (await latest_commands(services.client.js, COMMANDS_MAX)).commands


async def _letters(services: ConsoleServices) -> Rows:
    return (await letters_page(services, 0, LETTERS_MAX)).letters


async def _insight_costs(services: ConsoleServices) -> Rows:
    return services.spending.insight_costs()


def _spend(by: SpendKey) -> Callable[[ConsoleServices], Awaitable[Rows]]:
    async def read(services: ConsoleServices) -> Rows:
        return services.spending.breakdown(by)

    return read


TABLES: dict[str, Callable[[ConsoleServices], Awaitable[Rows]]] = {
    "alerts": _alerts,
    "budget-changes": _budget_changes,
    "calibration": _calibration,
    "commands": _commands,
    "dead-letters": _letters,
    "gates": _gates,
    "insight-costs": _insight_costs,
    "judges": _judges,
    "keys": _keys,
    "limits": _limits,
    "map": _map,
    "settings": _settings,
    "stages": _stages,
    "strategies": _strategies,
    "writers": _writers,
    **{f"spend-by-{by}": _spend(by) for by in get_args(SpendKey)},
}
