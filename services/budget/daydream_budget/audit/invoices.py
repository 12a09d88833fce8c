"""Reads what a provider exports of its bill: CSV, JSON, or a JSON object a line. Nested fields are named with dots.

Columns are found by the names that providers use (`NAMES`). Only a cost is needed; with the provider's id of each answer the
bill is compared line by line, without ids by day and model. Buckets with `results`, as OpenAI's costs API gives them, are taken
apart. Amounts are read as decimals, and each knows by how much it was rounded.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import NANOUSD_PER_USD

NAMES = {
    "id": ("provider_id", "request_id", "response_id", "generation_id", "completion_id", "id"),
    "model": ("model", "model_id", "model_name", "model_permaslug", "snapshot_id", "line_item"),
    "cost": (
        "cost_usd",
        "cost",
        "total_cost",
        "cost_total",
        "amount.value",
        "amount_value",
        "amount",
        "spend",
        "usage.cost",
    ),
    "at": ("created_at", "created", "timestamp", "start_time", "time", "date", "day"),
    "currency": ("currency", "amount.currency", "amount_currency"),
}
MILLISECONDS_FROM = 10**11


@dataclass(frozen=True)
class InvoiceLine:
    """One line of the bill. Amounts are nano-dollars; the true one lies within `rounding` of `cost`."""

    id: str
    model: str
    at: datetime | None
    cost: Decimal
    rounding: Decimal


def read(file: Path) -> list[InvoiceLine]:
    """The lines of an export. ConfigurationError says what is wrong and where."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file} can't be read ({error})", "Give the provider's export as CSV or JSON, in UTF-8"
        ) from None
    rows = list(
        _json(text, file)
        if text.lstrip().startswith(("{", "["))
        else csv.DictReader(text.splitlines())
    )
    columns = {str(name) for row in rows for name in row}
    found = {
        what: next((name for name in names if name in columns), "") for what, names in NAMES.items()
    }
    if rows and not found["cost"]:
        raise ConfigurationError(
            f"{file} has no column with a cost, only {', '.join(sorted(columns))}",
            f"Name it {NAMES['cost'][0]} (dollars)",
        )
    return [_line(row, found, f"{file.name}, row {number}") for number, row in enumerate(rows, 1)]


def _json(text: str, file: Path) -> Iterator[dict[str, Any]]:
    try:
        found = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError:
        try:
            found = [
                json.loads(line, parse_float=Decimal) for line in text.splitlines() if line.strip()
            ]
        except json.JSONDecodeError as error:
            raise ConfigurationError(
                f"{file} is no JSON ({error})", "Give the provider's export as it came"
            ) from None
    rows = found.get("data", [found]) if isinstance(found, dict) else found
    for row in rows:
        if not isinstance(row, dict):
            raise ConfigurationError(
                f"{file} holds {json.dumps(row, default=str)[:80]} where a record should be",
                "Give a list of records",
            )
        bucket = {name: value for name, value in row.items() if name != "results"}
        for result in row["results"] if isinstance(row.get("results"), list) else [{}]:
            yield dict(_flat({**bucket, **result}))


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _line(row: Mapping[str, Any], found: Mapping[str, str], place: str) -> InvoiceLine:
    def of(what: str) -> str:
        value = row.get(found[what]) if found[what] else None
        return "" if value is None else str(value).strip()

    if of("currency") and of("currency").lower() not in ("usd", "$", "us$"):
        raise ConfigurationError(
            f"{place}: the amount is in {of('currency')}",
            "The ledger counts US dollars; convert the export first",
        )
    try:
        dollars = Decimal(of("cost").removeprefix("$").replace(",", "") or "0")
        exponent = dollars.as_tuple().exponent
        rounding = Decimal(1).scaleb(exponent) / 2 if isinstance(exponent, int) else None
        at = _time(of("at"))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"{place}: {error}",
            "A cost is a number of dollars, a time is ISO 8601 or seconds since 1970",
        ) from None
    if rounding is None:
        raise ConfigurationError(f"{place}: a cost of {dollars}", "A cost is a number of dollars")
    return InvoiceLine(
        of("id"),
        of("model").partition(",")[0],
        at,
        dollars * NANOUSD_PER_USD,
        rounding * NANOUSD_PER_USD,
    )


def _time(text: str) -> datetime | None:
    if not text:
        return None
    if text.replace(".", "", 1).isdigit() and len(text) > len("20261231"):
        seconds = float(text)
        return datetime.fromtimestamp(
            seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds, UTC
        )
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
