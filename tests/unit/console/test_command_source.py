"""The help of a command comes from its source, and says what the imported command says."""

from __future__ import annotations

import pytest
import typer

from daydream_console.cli.command_list import COMMANDS, COMMANDS_OF_GROUPS, DEFAULTS
from daydream_console.cli.command_source import signature_of
from daydream_console.cli.help_text import CONTEXT_SETTINGS
from daydream_console.cli.lazy_commands import DefaultGroup, group_of
from daydream_console.cli.program import create_program
from support.imports import modules_after

PATHS = [*COMMANDS, *COMMANDS_OF_GROUPS, *DEFAULTS]
PARAMETERS_ALONE = {"pydantic", "nats", "daydream_contracts.events", "rich", "numpy"}
EACH = """
from daydream_console.cli.command_list import COMMANDS, COMMANDS_OF_GROUPS, DEFAULTS
from daydream_console.cli.program import create_program
program = create_program()
for path in [*COMMANDS, *COMMANDS_OF_GROUPS, *DEFAULTS]:
    assert program._help_of([*path.split(), "--help"]), path
"""


@pytest.mark.parametrize("path", PATHS)
def test_the_help_from_the_source_is_that_of_the_imported_command(path: str) -> None:
    group, name = group_of(create_program(), path)
    command = group.commands[name]
    if isinstance(command, DefaultGroup):
        command = command.default
    texts = {
        each.get_help(typer.Context(each, info_name=name, **CONTEXT_SETTINGS))
        for each in (command.described, command.loaded)  # type: ignore[attr-defined]
    }
    assert len(texts) == 1


def test_the_help_of_no_command_imports_what_commands_work_with() -> None:
    assert not modules_after(EACH) & PARAMETERS_ALONE


def test_a_function_from_the_source_does_nothing() -> None:
    made = signature_of("daydream_console.cli.ask", "ask_command")
    assert made("a question") is None
    with pytest.raises(KeyError):
        signature_of("daydream_console.cli.ask", "nothing")
