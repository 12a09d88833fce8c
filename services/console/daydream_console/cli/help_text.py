"""Print help without boxes: short, fast, and the same on a terminal and in a pipe.

Rich's help takes half a CPU second to import, more than all the rest of `daydream --help`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

EXAMPLES = "\n\nExamples:\n"
CONTEXT_SETTINGS: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
}


class HelpCommand(TyperCommand):
    """A command whose help ends with the examples of its docstring."""

    def format_help_text(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the description without the examples."""
        _write_description(self.help or "", formatter)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the examples as they are, without wrapping."""
        _write_examples(self.help or "", formatter)


class HelpGroup(TyperGroup):
    """A group whose help lists its commands under headings.

    `panels` holds the names of commands by heading. Empty: one list of all.
    """

    panels: Mapping[str, tuple[str, ...]] = {}

    def format_help_text(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the description."""
        _write_description(self.help or "", formatter)

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the examples as they are, without wrapping."""
        _write_examples(self.help or "", formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the first sentence of each command's help."""
        width = max(map(len, self.commands))
        for title, names in (self.panels or {"Commands": tuple(self.commands)}).items():
            rows = [(name.ljust(width), summary(self.commands[name].help or "")) for name in names]
            with formatter.section(_heading(title)):
                formatter.write_dl(rows)


def summary(text: str) -> str:
    """Return the first sentence."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z0-9])", paragraph)[0]


def description(text: str) -> str:
    """Return a command's help without its examples."""
    return text.partition(EXAMPLES)[0]


def examples(text: str) -> list[str]:
    """Return the lines that a docstring gives as examples."""
    return [line.strip() for line in text.partition(EXAMPLES)[2].splitlines() if line.strip()]


def _write_description(text: str, formatter: HelpFormatter) -> None:
    formatter.write_paragraph()
    with formatter.indentation():
        for number, paragraph in enumerate(description(text).strip().split("\n\n")):
            if number:
                formatter.write_paragraph()
            formatter.write_text(" ".join(paragraph.split()))


def _write_examples(text: str, formatter: HelpFormatter) -> None:
    if lines := examples(text):
        with formatter.section(_heading("Examples")):
            for line in lines:
                formatter.write(f"  {line}\n")


def _heading(title: str) -> str:
    return typer.style(title, bold=True)
