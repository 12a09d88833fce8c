"""Every table of the pages as a file: CSV or JSON."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response

from daydream_console.web.api.table_rows import TABLES
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS
from daydream_console.web.services import Reader, Services
from daydream_console.web.tables import FILE_RESPONSES, FileFormat, file_response

router = APIRouter(tags=["tables"], route_class=ApiRoute, responses=READ_PROBLEMS)
TableName = Literal[
    "alerts",
    "budget-changes",
    "calibration",
    "canaries",
    "commands",
    "dead-letters",
    "gates",
    "insight-costs",
    "judges",
    "keys",
    "limits",
    "map",
    "oracle-endings",
    "places",
    "settings",
    "spend-by-key",
    "spend-by-model",
    "spend-by-purpose",
    "spend-by-stage",
    "spend-by-strategy",
    "spend-by-team",
    "stages",
    "strata",
    "strategies",
    "writers",
]


@router.get(
    "/tables/{name}",
    response_class=Response,
    responses=FILE_RESPONSES,
)
async def download_table(
    name: TableName,
    services: Services,
    _: Reader,
    file_format: FileFormat = "csv",
) -> Response:
    """Download one table as CSV or JSON."""
    return file_response(await TABLES[name](services), name, file_format)
