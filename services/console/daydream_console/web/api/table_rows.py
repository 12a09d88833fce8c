"""The rows of every table of the pages, for its file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import get_args

from pydantic import BaseModel

from daydream_console.alerts import latest_alerts
from daydream_console.commands_log import latest_commands
from daydream_console.spending.queries import SpendKey
from daydream_console.web.api.critic_tables import CRITIC_TABLES
from daydream_console.web.api.dead_letters import letters_page
from daydream_console.web.api.loop import settings_of
from daydream_console.web.api.memory_map import map_of
from daydream_console.web.services import ConsoleServices
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import (
    BUDGET_STATE,
    GATEWAY_KEYS,
    SAMPLER_STATE,
    SYNTHESIZER_STATE,
)

LETTERS_MAX = 2000
COMMANDS_MAX = 1000
Rows = Sequence[BaseModel]


class SettingRow(BaseModel):
    """One setting of one service."""

    service: str
    name: str
    value: str
    origin: str


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


async def _strategies(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(SAMPLER_STATE, EmptyRequest())).strategies


async def _strata(services: ConsoleServices) -> Rows:
    return (await services.client.rpc.request(SAMPLER_STATE, EmptyRequest())).strata


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
    "commands": _commands,
    "dead-letters": _letters,
    "insight-costs": _insight_costs,
    "keys": _keys,
    "limits": _limits,
    "map": _map,
    "settings": _settings,
    "stages": _stages,
    "strata": _strata,
    "strategies": _strategies,
    "writers": _writers,
    **CRITIC_TABLES,
    **{f"spend-by-{by}": _spend(by) for by in get_args(SpendKey)},
}
