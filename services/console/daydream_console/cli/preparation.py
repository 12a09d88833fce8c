"""What `run` and `up` do before and right after they start the system: checks and caps."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass
from uuid import uuid4

from daydream_console.cli.output import err, nanousd
from daydream_console.client import Client
from daydream_console.local.checks import (
    check_folder,
    check_port,
    check_programs,
    unknown_variables,
)
from daydream_console.local.folder import DataFolder
from daydream_console.local.model import TOY_NOTICE, ModelChoice, local_servers
from daydream_console.local.reachable import check_reachable
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import ChangeBudget, EmptyRequest, SetLimit, Window
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_STATE

FREE = "DAYDREAM_MODEL_FREE=true "  # a server on this machine


@dataclass(frozen=True)
class Caps:
    """Spending caps in dollars. None leaves a limit unchanged."""

    lifetime_usd: float | None = None
    daily_usd: float | None = None


async def prepare(folder: DataFolder, model: ModelChoice, port: int) -> bool:
    """Check everything before anything is spent, and name the toy model as such.

    Return True if the model is free.
    """
    if model.base_url:
        await asyncio.to_thread(check_reachable, model.base_url)
    check_folder(folder)
    check_programs(serves_model=not model.base_url)
    for message in unknown_variables():
        err.print(message, style="yellow")
    if port:
        check_port(port)
    if model.toy:
        err.print(TOY_NOTICE, style="yellow")
        for server, url, name in await asyncio.to_thread(local_servers):
            options = f"--base-url {url} --model-name {shlex.quote(name)}{folder.option}"
            err.print(f"Found {server}. To use it: {FREE}daydream run {options}", style="yellow")
    if not model.base_url:
        return True
    # Imported only here: the client of models takes as long to load as all the rest.
    from daydream_console.local.model_check import check_model

    free, warnings = await check_model(model)
    for warning in warnings:
        err.print(warning, style="yellow")
    return free


async def set_caps(client: Client, caps: Caps, *, free: bool) -> None:
    """Set the given caps.

    Raise ConfigurationError if the model costs money and there is no limit at all.
    """
    given: list[tuple[Window, float | None]] = [
        ("lifetime", caps.lifetime_usd),
        ("day", caps.daily_usd),
    ]
    for window, dollars in given:
        if dollars is not None:
            limit = SetLimit(window=window, cap_nanousd=nanousd(dollars))
            request = ChangeBudget(
                change_id=uuid4().hex, change=limit, who="daydream run", why="option"
            )
            await client.rpc.request(BUDGET_CHANGE, request)
    state = await client.rpc.request(BUDGET_STATE, EmptyRequest())
    if not free and not state.limits:
        raise ConfigurationError(
            "No cap is set, and the model costs money",
            "Set a total spending cap in dollars, e.g. --cap 1.00",
        )
