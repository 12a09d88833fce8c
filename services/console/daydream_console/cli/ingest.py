"""Ingest documents into the memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from daydream_console import ingest
from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Clearance, Data, Json, Team, Who
from daydream_console.cli.output import emit_items, err, out
from daydream_console.cli.status_view import show_reports
from daydream_console.client import Client
from daydream_console.files import files_under
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import DocumentReport

STANDARD_INPUT = Path("-")


@command
async def ingest_command(
    paths: Annotated[
        list[Path], typer.Argument(help="Files and folders to read; - for standard input.")
    ],
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Follow changes in these paths until Ctrl-C."),
    ] = False,
    name: Annotated[
        str,
        typer.Option("--name", help="Name for standard input. Its extension selects the format."),
    ] = "",
    team: Team = "",
    clearance: Clearance = "",
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Read documents into the memory, and report what was done with each.

    Examples:
        daydream ingest ~/papers --watch
        pandoc talk.org -t markdown | daydream ingest - --name talk.md
    """
    file_paths = [path for path in paths if path != STANDARD_INPUT]
    from_stdin = len(file_paths) < len(paths)
    if watch and (from_stdin or as_json):
        raise ConfigurationError("--watch can't be used with - or --json", "Leave them out")
    files = files_under(file_paths)
    labels = ingest.Labels(team, clearance)
    async with connection(data) as client:
        if watch:
            await _watch(client, file_paths, who, labels)
            return
        stdin_name = (name or "standard input") if from_stdin else None
        reports = await _ingest(client, files, labels, stdin_name)
    if as_json:
        emit_items([report.model_dump(mode="json") for report in reports])
    else:
        show_reports(reports)


async def _ingest(
    client: Client, files: Sequence[Path], labels: ingest.Labels, stdin_name: str | None
) -> list[DocumentReport]:
    """Offer all documents and wait for their reports.

    Each half counts for half of the progress bar.
    """
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("reading", total=len(files))
        offered = []
        if stdin_name is not None:
            offered.append(await _offer_stdin(client, stdin_name, labels))
        async for document in ingest.offer(client, files, labels=labels):
            offered.append(document)
            progress.update(task, completed=len(offered) / 2)
        return await ingest.reports(
            client,
            offered,
            progress=lambda done: progress.update(task, completed=(len(files) + done) / 2),
        )


async def _offer_stdin(client: Client, name: str, labels: ingest.Labels) -> ingest.Offered:
    content = sys.stdin.buffer.read(ingest.BYTES_MAX + 1)
    if len(content) > ingest.BYTES_MAX:
        raise ConfigurationError(
            f"Standard input is larger than {ingest.BYTES_MAX >> 20} MB", "Split it"
        )
    return await ingest.offer_bytes(client, content, name, labels=labels)


async def _watch(client: Client, paths: Sequence[Path], who: str, labels: ingest.Labels) -> None:
    from daydream_console import file_watcher

    err.print("watching for changes; stop with Ctrl-C")
    async for removed, offered in file_watcher.follow(client, paths, who, labels):
        _show_changes(removed, await ingest.reports(client, offered))


def _show_changes(removed: Sequence[str], reports: Sequence[DocumentReport]) -> None:
    for source in removed:
        out.print(f"removed {source}", markup=False)
    show_reports([report for report in reports if ingest.KNOWN not in report.note])
