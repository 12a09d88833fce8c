"""Check this machine before anything is started or spent."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from daydream_console.cli.command import command
from daydream_console.cli.connection import running_address
from daydream_console.cli.exit_codes import EXIT_DONE, EXIT_WRONG_SETTING
from daydream_console.cli.options import PORT, BaseUrl, Data, Json, ModelName, Port, Weights
from daydream_console.cli.output import count, emit_items, out
from daydream_console.client import connected
from daydream_console.local.checks import (
    check_folder,
    check_port,
    check_programs,
    unknown_variables,
)
from daydream_console.local.folder import (
    DATA_VARIABLE,
    DataFolder,
    default_folder,
    model_cache,
)
from daydream_console.local.model import TOY_FILE, ModelChoice, choose, local_servers
from daydream_console.local.model_check import check_model
from daydream_console.settings_in_force import planned_settings
from daydream_contracts.errors import ConfigurationError, DaydreamError
from daydream_contracts.rpc import EmptyRequest, ModelState
from daydream_contracts.topology import GATEWAY_STATE

VARIABLE = re.compile(r"DAYDREAM_\w+")
MODEL_VARIABLES = ("DAYDREAM_MODEL_BASE_URL", "DAYDREAM_MODEL_NAME")
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
    folder = DataFolder(data or default_folder())
    options = _options(model, base_url, model_name) + folder.option
    checks = []
    async for check in run_checks(
        folder, lambda: choose(weights=model, base_url=base_url, name=model_name), port
    ):
        checks.append(check)
        if not as_json:
            _show(check)
    problems = [check for check in checks if check.is_problem]
    if as_json:
        emit_items([vars(check) for check in checks])
    elif problems:
        again = f"daydream doctor{options}"
        out.print(f"{count(len(problems), 'problem')}. After the fix, check again: {again}")
    else:
        start = f"daydream run PATH --daydreams 50 --cap 2.00{options}"
        out.print(f"All is well. Start: {start}", markup=False)
    return EXIT_WRONG_SETTING if problems else EXIT_DONE


def _show(check: DoctorCheck) -> None:
    mark = "[red]✗[/red]" if check.is_problem else "[green]✓[/green]"
    out.print(f"{mark} {check.about}: {escape(check.result)}")
    if check.fix:
        out.print(f"    {escape(check.fix)}")


def _options(weights: Path | None, base_url: str, name: str) -> str:
    """Return the model's options as they were given, for the commands that are proposed."""
    given = {"--model": str(weights or ""), "--base-url": base_url, "--model-name": name}
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given.items() if value)


async def run_checks(
    folder: DataFolder, choose_model: Callable[[], ModelChoice], port: int
) -> AsyncIterator[DoctorCheck]:
    """Yield the result of each check of `daydream doctor`. Start nothing, spend nothing."""

    async def programs() -> str:
        try:
            choice = choose_model()
        except ConfigurationError:  # the check of the model says so
            return await asyncio.to_thread(check_programs, serves_model=False)
        serves_model = choice.weights is not None or choice.toy
        return await asyncio.to_thread(check_programs, serves_model=serves_model)

    checks: list[tuple[str, Callable[[], Awaitable[str]], str]] = [
        (
            "data folder",
            lambda: asyncio.to_thread(check_folder, folder),
            f'export {DATA_VARIABLE}="$HOME/daydream"',
        ),
        ("programs", programs, ""),
        ("settings", lambda: asyncio.to_thread(_check_settings), ""),
        ("model", lambda: _describe_model(choose_model()), _without_model()),
        ("console", lambda: asyncio.to_thread(check_port, port), "daydream up --port 0"),
    ]
    for about, check, remedy in checks:
        yield await _run_check(about, check, remedy)
    for result in await check_gateway(folder):
        yield result
    for message in unknown_variables():
        yield DoctorCheck("settings", message, _renaming(message))
    for server, url, name in await asyncio.to_thread(local_servers):
        options = f"--base-url {url} --model-name {shlex.quote(name)}{folder.option}"
        yield DoctorCheck(
            OFFER,
            f"{server} is running on this machine",
            f"To use it: DAYDREAM_MODEL_FREE=true daydream run PATH {options}",
        )


def _check_settings() -> str:
    """Read the settings of all services. Raise ConfigurationError with the command that unsets an
    invalid one.
    """
    try:
        reports = planned_settings()
    except ConfigurationError as error:
        names = VARIABLE.findall(error.problem)
        remedy = f". Or use the default. Run: unset {names[0]}" if names else ""
        raise ConfigurationError(error.problem, f"{error.fix}{remedy}") from None
    return f"valid for {count(len(reports), 'service')}"


def _without_model() -> str:
    """Return the command that leads back to the small bundled model, if another is set."""
    given = [name for name in MODEL_VARIABLES if os.environ.get(name)]
    return f"unset {' '.join(given)}" if given else ""


def _renaming(message: str) -> str:
    """Return the commands that correct a misspelt variable: "X is not a setting; … mean Y?"."""
    names = VARIABLE.findall(message)
    if len(names) < 2:
        return f"Run: unset {names[0]}"
    wrong, right = names[:2]
    return f'Run: export {right}="${wrong}"; unset {wrong}'


async def check_gateway(folder: DataFolder) -> list[DoctorCheck]:
    """Return what the gateway of a running system learned of its models. None runs: nothing."""
    try:
        if not (address := running_address(folder)):
            return []
        async with connected(address) as client:
            state = await client.rpc.request(GATEWAY_STATE, EmptyRequest())
    except ConfigurationError as error:
        return [DoctorCheck("gateway", error.problem, error.fix)]
    except DaydreamError as error:
        log = shlex.quote(str(folder.path / "logs" / "gateway.log"))
        return [DoctorCheck("gateway", str(error), f"Look at its log. Run: tail -n 50 {log}")]
    return [check for model in state.models for check in _model_checks(model)]


def _model_checks(model: ModelState) -> list[DoctorCheck]:
    about = f"gateway, {model.model}"
    if model.stopped:
        return [DoctorCheck(about, model.stopped, "Correct it at the provider; calls then resume")]
    return [DoctorCheck(about, learned) for learned in model.learned] or [
        DoctorCheck(about, "takes all that was asked of it")
    ]


async def _run_check(about: str, check: Callable[[], Awaitable[str]], remedy: str) -> DoctorCheck:
    """Return the result. `remedy`: the command for a problem whose error names none."""
    try:
        return DoctorCheck(about, await check())
    except ConfigurationError as error:
        names_one = not remedy or "Run" in error.fix
        fix = error.fix if names_one else f"{error.fix}. Run: {remedy}"
        return DoctorCheck(about, error.problem, fix)


async def _describe_model(choice: ModelChoice) -> str:
    if choice.weights or choice.toy:
        file = choice.weights or model_cache() / TOY_FILE
        state = "" if file.exists() else " (downloaded at the first run, 93 MB)"
        return f"{choice.name}, served here, free{state}"
    free, warnings = await check_model(choice)
    described = f"{choice.name} at {choice.base_url}, {'free' if free else 'paid'}"
    return ". ".join([described, *warnings])
