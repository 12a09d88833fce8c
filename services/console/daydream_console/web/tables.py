"""Send a list as JSON, or as a CSV or JSON file to download."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from fastapi import Response
from pydantic import BaseModel

Format = Literal["json", "csv"]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_response(rows: Sequence[BaseModel], name: str) -> Response:
    """Return the rows as a CSV file. A nested object becomes columns with dots in their names."""
    flat = [dict(_flat(row.model_dump(mode="json"))) for row in rows]
    columns = list(dict.fromkeys(column for row in flat for column in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="")
    table.writeheader()
    table.writerows({name: _cell(value) for name, value in row.items()} for row in flat)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


def _flat(values: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", json.dumps(value, ensure_ascii=False)
        else:
            yield f"{prefix}{name}", value


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
