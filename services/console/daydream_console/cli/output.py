"""Print results: text for people, or JSON for programs. Progress goes to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daydream_console.cli.json_document import json_document, json_list
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.number_limits import NANOUSD_PER_USD, USD_MAX

PIPE_WIDTH = 100_000  # more than any line: in a pipe nothing is wrapped


def _console(stream: TextIO, *, stderr: bool = False) -> Console:
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, width=width)


out = _console(sys.stdout)
err = _console(sys.stderr, stderr=True)
SMALL_USD = 0.1  # below it, cents are too coarse


def usd(nanousd: float) -> str:
    """Format an amount in dollars, with as many decimals as it needs."""
    dollars = nanousd / NANOUSD_PER_USD
    if dollars == 0:
        return "$0"
    return f"${dollars:.2f}" if dollars >= SMALL_USD else f"${dollars:.6f}".rstrip("0")


def nanousd(dollars: float) -> int:
    """Convert dollars to the ledger's unit. Raise ConfigurationError for an impossible amount."""
    if not abs(dollars) <= USD_MAX:  # also true for NaN, which compares as False
        raise ConfigurationError(
            f"{dollars:g} is not an amount that can be set", f"Use at most {USD_MAX:,} dollars"
        )
    return round(dollars * NANOUSD_PER_USD)


def per_usd(number: float, nanousd: int) -> str:
    """Format a yield per dollar; empty when nothing was spent."""
    return f"{number * NANOUSD_PER_USD / nanousd:.1f}" if nanousd else ""


def count(number: int, noun: str, plural: str = "") -> str:
    """Return the number with its noun: "1 document", "2 documents"."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def local_time(at: datetime | None, default: str) -> str:
    """Format a time in the local zone, or return the default for None."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M") if at else default


def table(title: str, text_columns: tuple[str, ...], number_columns: tuple[str, ...]) -> Table:
    """Return an empty table: columns of text first, then right-aligned columns of numbers."""
    result = Table(title=title or None, title_justify="left")
    for name in text_columns:
        result.add_column(name)
    for name in number_columns:
        result.add_column(name, justify="right")
    return result


def print_boxed(body: Text, *, title: Text, subtitle: str = "", style: str = "dim") -> None:
    """Print a text in a box on a terminal. In a pipe, print its title, subtitle and text."""
    if out.is_terminal:
        box = Panel(
            body,
            title=title,
            title_align="left",
            subtitle=Text(subtitle) if subtitle else None,
            subtitle_align="left",
            border_style=style,
        )
        out.print(box)
        return
    out.print(title)
    if subtitle:
        out.print(Text(subtitle))
    out.print(body)
    out.print()


@contextmanager
def steps(first: str) -> Iterator[Callable[[str], None]]:
    """Show on standard error what is being done: a spinner on a terminal, otherwise one line each.

    Yield a function that shows the next step.
    """
    with err.status("") as status:

        def show(text: str) -> None:
            if err.is_terminal:
                status.update(Text(f"{text} …"))
            else:
                err.print(Text(f"{text} …"))

        show(first)
        yield show


def emit_json(value: Mapping[str, Any]) -> None:
    """Print an object as the one JSON document on standard output, with its schema version."""
    _write(json_document(value))


def emit_items(items: Sequence[Any], total: int | None = None) -> None:
    """Print a list as the one JSON document on standard output, with its schema version."""
    _write(json_list(items, total))


def _write(document: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(document, indent=1, default=str) + "\n")
