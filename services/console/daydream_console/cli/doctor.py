"""Check this machine before anything is started or spent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rich.markup import escape

from daydream_console.cli.command import command
from daydream_console.cli.connection import running_address
from daydream_console.cli.options import PORT, BaseUrl, Data, Json, ModelName, Port, Weights
from daydream_console.cli.output import emit_items, out
from daydream_console.client import connected
from daydream_console.local.checks import (
    check_folder,
    check_port,
    check_programs,
    unknown_variables,
)
from daydream_console.local.folder import DataFolder, default_folder, model_cache
from daydream_console.local.model import TOY_FILE, ModelChoice, choose, local_servers
from daydream_console.local.model_check import check_model
from daydream_contracts.errors import ConfigurationError, DaydreamError
from daydream_contracts.rpc import EmptyRequest, ModelState
from daydream_contracts.topology import GATEWAY_STATE

OFFER = "offer"  # a model server that could be used; no problem


@dataclass(frozen=True)
class DoctorCheck:
    """The result of a check. `fix` is empty if there is no problem."""

    about: str
    result: str
    fix: str = ""

    @property
    def is_problem(self) -> bool:
        return bool(self.fix) and self.about != OFFER


@command
async def doctor_command(
    data: Data = None,
    model: Weights = None,
    base_url: BaseUrl = "",
    model_name: ModelName = "",
    port: Port = PORT,
    as_json: Json = False,
) -> int:
    """Check this machine and print a fix for each problem. Start nothing, spend nothing.

    Examples:
        daydream doctor
        daydream doctor --base-url http://127.0.0.1:11434/v1
    """
    checks = await run_checks(
        DataFolder(data or default_folder()),
        lambda: choose(weights=model, base_url=base_url, name=model_name),
        port,
    )
    if as_json:
        emit_items([vars(check) for check in checks])
    else:
        for check in checks:
            mark = "[red]✗[/red]" if check.is_problem else "[green]✓[/green]"
            out.print(f"{mark} {check.about}: {escape(check.result)}")
            if check.fix:
                out.print(f"    {escape(check.fix)}")
    return 2 if any(check.is_problem for check in checks) else 0


async def run_checks(
    folder: DataFolder, choose_model: Callable[[], ModelChoice], port: int
) -> list[DoctorCheck]:
    """Run all checks of `daydream doctor`. Start nothing, spend nothing."""

    async def programs() -> str:
        choice = choose_model()
        serves_model = choice.weights is not None or choice.toy
        return await asyncio.to_thread(check_programs, serves_model=serves_model)

    checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("data folder", lambda: asyncio.to_thread(check_folder, folder)),
        ("programs", programs),
        ("model", lambda: _describe_model(choose_model())),
        ("console", lambda: asyncio.to_thread(check_port, port)),
    ]
    results = [await _run_check(about, check) for about, check in checks]
    results += await check_gateway(folder)
    results += [
        DoctorCheck("settings", message, "Correct it or unset it")
        for message in unknown_variables()
    ]
    results += [
        DoctorCheck(
            OFFER,
            f"{server} is running on this machine",
            f"To use it: --base-url {url} --model-name {name}",
        )
        for server, url, name in local_servers()
    ]
    return results


async def check_gateway(folder: DataFolder) -> list[DoctorCheck]:
    """Return what the gateway of a running system learned of its models. None runs: nothing."""
    try:
        if not (url := running_address(folder)):
            return []
        async with connected(url) as client:
            state = await client.rpc.request(GATEWAY_STATE, EmptyRequest())
    except ConfigurationError as error:
        return [DoctorCheck("gateway", error.problem, error.fix)]
    except DaydreamError as error:
        return [DoctorCheck("gateway", str(error), "Look at the log of the gateway")]
    return [check for model in state.models for check in _model_checks(model)]


def _model_checks(model: ModelState) -> list[DoctorCheck]:
    about = f"gateway, {model.model}"
    if model.stopped:
        return [DoctorCheck(about, model.stopped, "Correct it at the provider; calls then resume")]
    return [DoctorCheck(about, lesson) for lesson in model.learned] or [
        DoctorCheck(about, "takes all that was asked of it")
    ]


async def _run_check(about: str, check: Callable[[], Awaitable[str]]) -> DoctorCheck:
    try:
        return DoctorCheck(about, await check())
    except ConfigurationError as error:
        return DoctorCheck(about, error.problem, error.fix)


async def _describe_model(choice: ModelChoice) -> str:
    if choice.weights or choice.toy:
        file = choice.weights or model_cache() / TOY_FILE
        state = "" if file.exists() else " (downloaded at the first run, 93 MB)"
        return f"{choice.name}, served here, free{state}"
    free, warnings = await check_model(choice)
    described = f"{choice.name} at {choice.base_url}, {'free' if free else 'paid'}"
    return ". ".join([described, *warnings])
