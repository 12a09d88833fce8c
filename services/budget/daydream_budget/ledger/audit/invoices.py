"""Read a provider's invoice: CSV, JSON, or one JSON object per line.

Nested fields are named with dots. Columns are found by the names that providers use (`NAMES`). Only
a cost is required. If every line has the provider's id of the answer, the invoice is compared line
by line, otherwise by day and model. Buckets with `results`, as OpenAI's costs API returns them, are
split. Amounts are read as decimals, and each line knows by how much it was rounded.
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
    """One line of the invoice, in nano-dollars. The true cost is within `rounding` of `cost`."""

    id: str
    model: str
    at: datetime | None
    cost: Decimal
    rounding: Decimal


@dataclass(frozen=True)
class _Row:
    """One row of the file. `columns` names the column of each field; empty: there is none."""

    values: Mapping[str, Any]
    columns: Mapping[str, str]
    place: str

    def text(self, field: str) -> str:
        column = self.columns[field]
        value = self.values.get(column) if column else None
        return "" if value is None else str(value).strip()


def read(file: Path) -> list[InvoiceLine]:
    """Return the lines of an invoice. Raises ConfigurationError that names the row."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file} can't be read ({error})",
            "Give the provider's invoice as CSV or JSON, in UTF-8",
        ) from None
    is_json = text.lstrip().startswith(("{", "["))
    rows = list(_json_rows(text, file) if is_json else csv.DictReader(text.splitlines()))
    present = {str(name) for row in rows for name in row}
    columns = {
        field: next((name for name in names if name in present), "")
        for field, names in NAMES.items()
    }
    if rows and not columns["cost"]:
        raise ConfigurationError(
            f"{file} has no cost column. Its columns are: {', '.join(sorted(present))}",
            f"Name the cost column {NAMES['cost'][0]} (dollars)",
        )
    return [
        _line(_Row(row, columns, f"{file.name}, row {number}"))
        for number, row in enumerate(rows, 1)
    ]


def _json_rows(text: str, file: Path) -> Iterator[dict[str, Any]]:
    content = _parse(text, file)
    records = content.get("data", [content]) if isinstance(content, dict) else content
    for record in records:
        if not isinstance(record, dict):
            raise ConfigurationError(
                f"{file} has {json.dumps(record, default=str)[:80]} instead of a record",
                "Give a list of records",
            )
        bucket = {name: value for name, value in record.items() if name != "results"}
        results = record["results"] if isinstance(record.get("results"), list) else [{}]
        for result in results:
            yield dict(_flatten({**bucket, **result}))


def _parse(text: str, file: Path) -> Any:
    """Parse one JSON value, or one per line."""
    try:
        return json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
    try:
        return [json.loads(line, parse_float=Decimal) for line in lines]
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            f"{file} is not valid JSON ({error})", "Give the provider's invoice unchanged"
        ) from None


def _flatten(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _line(row: _Row) -> InvoiceLine:
    currency = row.text("currency")
    if currency and currency.lower() not in ("usd", "$", "us$"):
        raise ConfigurationError(
            f"{row.place}: the amount is in {currency}",
            "The ledger counts US dollars. Convert the invoice first",
        )
    try:
        dollars = Decimal(row.text("cost").removeprefix("$").replace(",", "") or "0")
        exponent = dollars.as_tuple().exponent
        rounding = Decimal(1).scaleb(exponent) / 2 if isinstance(exponent, int) else None
        at = _time(row.text("at"))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"{row.place}: {error}",
            "A cost is a number of dollars. A time is ISO 8601 or seconds since 1970",
        ) from None
    if rounding is None:
        raise ConfigurationError(
            f"{row.place}: a cost of {dollars}", "A cost is a number of dollars"
        )
    return InvoiceLine(
        id=row.text("id"),
        model=row.text("model").partition(",")[0],
        at=at,
        cost=dollars * NANOUSD_PER_USD,
        rounding=rounding * NANOUSD_PER_USD,
    )


def _time(text: str) -> datetime | None:
    if not text:
        return None
    if text.replace(".", "", 1).isdigit() and len(text) > len("20261231"):
        number = float(text)
        seconds = number / 1000 if number >= MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, UTC)
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
