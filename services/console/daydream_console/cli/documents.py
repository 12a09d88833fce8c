"""List the documents of the memory with their reports."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import count, emit_items, out
from daydream_console.cli.status_view import show_reports
from daydream_contracts.rpc import DocumentReport, ListDocuments
from daydream_contracts.topology import MEMORY_DOCUMENTS

PAGE = 500


@command
async def documents_command(
    under: Annotated[
        str,
        typer.Argument(help="Beginning of the sources to list. Default: all.", show_default=False),
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that were replaced or removed.")
    ] = False,
    incomplete: Annotated[
        bool,
        typer.Option("--incomplete", help="Show only documents of which something was left out."),
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List documents, the latest first: facts, what was left out of each, and why.

    Examples:
        daydream documents
        daydream documents ~/papers --incomplete
    """
    reports: list[DocumentReport] = []
    query = ListDocuments(under=under, current_only=not everything, limit=PAGE)
    async with connection(data) as client:
        while page := (await client.rpc.request(MEMORY_DOCUMENTS, query)).reports:
            reports += page
            query = query.model_copy(update={"offset": query.offset + len(page)})
    if incomplete:
        reports = [
            report
            for report in reports
            if report.status != "read" or report.note or report.left_out
        ]
    if as_json:
        emit_items([report.model_dump(mode="json") for report in reports])
        return
    show_reports(reports)
    out.print(f"{count(len(reports), 'document')}.")
