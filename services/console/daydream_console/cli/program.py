"""Look for non-obvious connections in your own documents, within a spending cap.

Start with `daydream run` (a number of daydreams) or `daydream up` (until Ctrl-C).

Examples:
    daydream run ~/papers --daydreams 50 --cap 2.00
    daydream insights
    daydream COMMAND --help
"""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup
from typer.main import get_command

from daydream_console.cli.command_list import COMMANDS, COMMANDS_OF_GROUPS, DEFAULTS, GROUPS, PANELS
from daydream_console.cli.help_text import CONTEXT_SETTINGS, HelpGroup
from daydream_console.cli.lazy_commands import add_commands, add_default_groups, group_of
from daydream_console.cli.root_group import RootGroup


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # slow to import, and seldom needed

        print(f"daydream {version('daydream-console')}")
        raise typer.Exit


def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Take the options of the program itself."""


def create_program() -> TyperGroup:
    """Return the `daydream` command with all others, none of which is imported yet."""
    app = typer.Typer(
        cls=RootGroup,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings=CONTEXT_SETTINGS,
    )
    app.callback(help=__doc__)(_options)
    program = get_command(app)
    assert isinstance(program, RootGroup)
    package = __name__.rpartition(".")[0]
    add_commands(program, package, COMMANDS)
    add_default_groups(program, package, DEFAULTS)
    for name, help_text in GROUPS.items():
        parent, last = group_of(program, name)
        parent.add_command(
            HelpGroup(
                name=last,
                help=help_text,
                no_args_is_help=True,
                rich_markup_mode=None,
                context_settings=CONTEXT_SETTINGS,
            )
        )
    add_commands(program, package, COMMANDS_OF_GROUPS)
    program.panels = PANELS
    return program
