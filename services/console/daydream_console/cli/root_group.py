"""The program as a whole: how a wrong use of it is reported."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, cast

import typer

from daydream_console.cli.help_text import CONTEXT_SETTINGS, HelpGroup
from daydream_console.cli.json_document import json_document

# Typer does not export the class of all errors in the use of a command.
WRONG_USE = cast("type[Exception]", typer.BadParameter.__mro__[1])


class RootGroup(HelpGroup):
    """The `daydream` command. With --json a wrong use is reported as JSON too."""

    def main(self, args: Sequence[str] | None = None, *arguments: Any, **options: Any) -> NoReturn:
        """Run the program, and exit with its code."""
        given = list(sys.argv[1:] if args is None else args)
        if text := self._help_of(given):
            typer.echo(text)
            sys.exit(0)
        try:
            code = super().main(given, *arguments, **{**options, "standalone_mode": False})
        except WRONG_USE as error:
            _report(error, as_json="--json" in given)
            sys.exit(getattr(error, "exit_code", 2))
        sys.exit(code if isinstance(code, int) else 0)

    def _help_of(self, words: Sequence[str]) -> str:
        """Return the help if the words are names of commands and then ask for it, else "".

        Nothing is parsed for it, because that loads pydantic, which takes longer than all the rest.
        """
        command: Any = self
        context = typer.Context(command, info_name="daydream", **CONTEXT_SETTINGS)
        for word in words:
            if word in CONTEXT_SETTINGS["help_option_names"]:
                described = getattr(command, "described", command)
                return str(described.get_help(context))
            known = getattr(command, "commands", {})
            if word not in known:
                return ""
            command = known[word]
            context = typer.Context(command, info_name=word, parent=context, **CONTEXT_SETTINGS)
        return ""


def _report(error: Any, *, as_json: bool) -> None:
    if not as_json:
        error.show()
        return
    path = error.ctx.command_path if error.ctx else "daydream"
    report = {"error": error.format_message().rstrip("."), "fix": f"See: {path} --help"}
    print(json.dumps(json_document(report), indent=1))
