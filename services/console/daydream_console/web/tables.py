"""Send a list as JSON, or as a CSV or JSON file to download."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import BaseModel, TypeAdapter

Format = Literal["json", "csv"]
FileFormat = Annotated[Format, Query(alias="format")]
FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}, "application/json": {}}}
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def file_response(rows: Sequence[BaseModel], name: str, file_format: Format) -> Response:
    """Return the rows as a file to download."""
    if file_format == "csv":
        return csv_response(rows, name)
    content = TypeAdapter(list[BaseModel]).dump_json(list(rows), serialize_as_any=True)
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Response(content, headers=headers, media_type="application/json")


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
