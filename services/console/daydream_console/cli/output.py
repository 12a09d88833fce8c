"""Print results: text for people, or JSON for programs. Progress goes to standard error."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.number_limits import NANOUSD_PER_USD, USD_MAX

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
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


def per_usd(number: int, nanousd: int) -> str:
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


def emit_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=1, default=str) + "\n")
