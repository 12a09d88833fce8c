"""Commands whose modules are imported when they run, so that each of them starts fast.

A list of commands needs no module either: the help of each is read from its source.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from daydream_console.cli.command_source import docstring_of, signature_of
from daydream_console.cli.help_text import CONTEXT_SETTINGS, HelpCommand, HelpGroup

STARTS_SYSTEM = ("run", "up")
HELP_OPTIONS = frozenset(CONTEXT_SETTINGS["help_option_names"])


class LazyCommand(TyperCommand):
    """A command that is not imported yet: the function of a module."""

    def __init__(self, name: str, module: str, function: str) -> None:
        self._module = module
        self._function = function
        super().__init__(name)

    @property
    def help(self) -> str | None:
        """Return the docstring of the function without importing its module."""
        return docstring_of(self._module, self._function)

    @help.setter
    def help(self, _: str | None) -> None:
        """Ignore what the base class sets."""

    @cached_property
    def loaded(self) -> TyperCommand:
        """Import the module, and return the command with its options."""
        return self._command(getattr(import_module(self._module), self._function))

    @cached_property
    def described(self) -> TyperCommand:
        """Return a command with the same options. It imports nothing, and does nothing."""
        return self._command(signature_of(self._module, self._function))

    def _command(self, function: Callable[..., Any]) -> TyperCommand:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(self.name, cls=HelpCommand, context_settings=CONTEXT_SETTINGS)(function)
        command = get_command(app)
        assert isinstance(command, TyperCommand)
        return command

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Return a context of the imported command. The caller invokes the context's command."""
        if self.name in STARTS_SYSTEM and not HELP_OPTIONS.intersection(sys.argv):
            print("daydream is starting …", file=sys.stderr, flush=True)  # imports take a second
        return self.loaded.make_context(*arguments, **options)


class DefaultGroup(HelpGroup):
    """A group that is a command too: it runs `default` unless a command of the group is named."""

    def __init__(self, name: str, default: LazyCommand) -> None:
        super().__init__(name=name, rich_markup_mode=None)
        self.default = default

    @property
    def described(self) -> HelpGroup | TyperCommand:
        """Return what has the help: the default command."""
        return self.default.described

    @property
    def help(self) -> str | None:
        """Return the help of the default command."""
        return self.default.help

    @help.setter
    def help(self, _: str | None) -> None:
        """Ignore what the base class sets."""

    def make_context(
        self, info_name: str | None, args: list[str], *arguments: Any, **options: Any
    ) -> Any:
        """Return a context of the group, or of the default command."""
        if args and args[0] in self.commands:
            return super().make_context(info_name, args, *arguments, **options)
        return self.default.make_context(info_name, args, *arguments, **options)


def add_commands(program: TyperGroup, package: str, commands: Mapping[str, str]) -> None:
    """Add commands to a program. Its groups must exist.

    `commands` holds "name" or "group name", with "module:function" in the package.
    """
    for path, target in commands.items():
        group, name = group_of(program, path)
        group.add_command(_lazy(name, package, target))


def add_default_groups(program: TyperGroup, package: str, commands: Mapping[str, str]) -> None:
    """Add groups that are commands too, given as in `add_commands`."""
    for name, target in commands.items():
        program.add_command(DefaultGroup(name, _lazy(name, package, target)))


def _lazy(name: str, package: str, target: str) -> LazyCommand:
    module, _, function = target.partition(":")
    return LazyCommand(name, f"{package}.{module}", function)


def group_of(program: TyperGroup, path: str) -> tuple[TyperGroup, str]:
    """Return the group that a command is in, and its own name. The group must exist."""
    *groups, name = path.split()
    group = program
    for group_name in groups:
        command = group.commands[group_name]
        assert isinstance(command, TyperGroup)
        group = command
    return group, name
