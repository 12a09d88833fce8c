"""Commands start fast because they import little: what takes long is not imported without need."""

from __future__ import annotations

import pytest

from daydream_console.cli.command_list import COMMANDS, COMMANDS_OF_GROUPS
from daydream_console.cli.lazy_commands import LazyCommand, group_of
from daydream_console.cli.program import create_program
from support.imports import modules_after

PACKAGE = "daydream_console.cli"
SLOW_PACKAGES = {
    "faststream",
    "genai_prices",
    "httpx",
    "numpy",
    "openai",
    "opentelemetry",
    "pydantic_settings",
    "starlette",
    "uvicorn",
}
START_SYSTEM = {"run", "up", "doctor", "asyncapi", "bench"}
READ_SETTINGS = {"budget price", "budget measure", "config show"}  # of models, without a system
FEED = {"vault"}  # uses the entries of the web page's feed
MODULES = sorted(
    {
        target.partition(":")[0]
        for path, target in {**COMMANDS, **COMMANDS_OF_GROUPS}.items()
        if path not in START_SYSTEM | READ_SETTINGS | FEED
    }
)


@pytest.mark.parametrize(
    ("arguments", "also_absent"),
    [
        (("--help",), {"pydantic", "rich"}),
        (("budget", "--help"), {"rich"}),  # Typer converts options of the program by pydantic
    ],
)
def test_help_imports_no_package_of_a_command(
    arguments: tuple[str, ...], also_absent: set[str]
) -> None:
    program = ["daydream", *arguments]
    start = f"import sys; sys.argv = {program}\nfrom {PACKAGE}.main import main\nmain()"
    absent = {*SLOW_PACKAGES, "nats", "daydream_contracts", *also_absent}
    assert not modules_after(start) & absent


def test_commands_that_ask_a_running_system_import_nothing_of_a_service() -> None:
    imports = "".join(f"import {PACKAGE}.{module}\n" for module in MODULES)
    assert not modules_after(imports) & SLOW_PACKAGES


@pytest.mark.parametrize(("path", "target"), {**COMMANDS, **COMMANDS_OF_GROUPS}.items())
def test_the_list_of_commands_shows_the_help_of_each(path: str, target: str) -> None:
    program = create_program()
    group, name = group_of(program, path)
    command = group.commands[name]
    assert isinstance(command, LazyCommand)
    assert command.help
    assert command.help == command.loaded.help, target
