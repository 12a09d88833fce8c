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
from daydream_console.cli.output import count, emit_items, err, out
from daydream_console.cli.status_view import show_reports
from daydream_console.client import Client
from daydream_console.sources import (
    BYTES_MAX,
    FoundFiles,
    SourceDocument,
    UnreadableSourceError,
    files_in,
)
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import DocumentReport

STANDARD_INPUT = "-"


Paths = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files and folders to read; s3:// and https:// addresses; - for standard input.",
        show_default=False,
    ),
]
Watch = Annotated[bool, typer.Option("--watch", help="Follow changes in these paths until Ctrl-C.")]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Store nothing: report what would be read, how many facts, and the cost of embedding.",
    ),
]
ListFile = Annotated[
    Path | None,
    typer.Option(
        "--list",
        help="File with more paths and addresses, one a line. Lines with # are comments.",
        show_default=False,
    ),
]
Name = Annotated[str, typer.Option("--name", help="Name for standard input.")]


@command
async def ingest_command(
    paths: Paths = None,
    watch: Watch = False,
    dry_run: DryRun = False,
    list_file: ListFile = None,
    name: Name = "",
    team: Team = "",
    clearance: Clearance = "",
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Read documents into the memory, and report what was done with each.

    Examples:
        daydream ingest ~/papers --watch
        daydream ingest s3://lab/papers/
        pandoc talk.org -t markdown | daydream ingest - --name talk.md
    """
    wanted = [*(paths or []), *_listed(list_file)]
    if not wanted:
        raise ConfigurationError("Nothing to ingest", "Name files, folders or addresses, or --list")
    labels = ingest.Labels(team, clearance)
    if watch:
        await _watch(wanted, as_json=as_json or dry_run, who=who, labels=labels, data=data)
        return
    files = _found(wanted, name or "standard input")
    if dry_run:
        from daydream_console.cli.ingest_preview import preview_command

        await preview_command(files.documents, labels, data, as_json=as_json)
    else:
        async with connection(data) as client:
            reports = await _ingest(client, files.documents, labels)
        if as_json:
            emit_items([report.model_dump(mode="json") for report in reports])
        else:
            show_reports(reports)
    if files.hidden:
        hidden = count(files.hidden, "hidden file or folder", "hidden files and folders")
        err.print(f"Left out: {hidden} (a dot begins the name).")


def _listed(list_file: Path | None) -> list[str]:
    if list_file is None:
        return []
    try:
        lines = list_file.read_text().splitlines()
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(
            f"{list_file} can't be read: {error}", "Pass a text file"
        ) from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _found(wanted: Sequence[str], stdin_name: str) -> FoundFiles:
    """Find what is at these paths and addresses, in their order."""
    from daydream_console.sources import remote

    files = FoundFiles()
    for path in wanted:
        if path == STANDARD_INPUT:
            files.documents.append(SourceDocument(stdin_name, _standard_input))
        elif remote.is_remote(path):
            files.documents += remote.documents_at(path)
        else:
            below = files_in([Path(path)])
            files.documents += below.documents
            files.hidden += below.hidden
    return files


def _standard_input() -> bytes:
    content = sys.stdin.buffer.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise UnreadableSourceError(f"larger than {BYTES_MAX >> 20} MB. Split it")
    return content


async def _ingest(
    client: Client, documents: Sequence[SourceDocument], labels: ingest.Labels
) -> list[DocumentReport]:
    """Offer all documents and wait for their reports.

    Each half counts for half of the progress bar.
    """
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("reading", total=len(documents))
        offered = []
        async for document in ingest.offer(client, documents, labels):
            offered.append(document)
            progress.update(task, completed=len(offered) / 2)
        return await ingest.reports(
            client,
            offered,
            progress=lambda done: progress.update(task, completed=(len(documents) + done) / 2),
        )


async def _watch(
    wanted: Sequence[str], *, as_json: bool, who: str, labels: ingest.Labels, data: Path | None
) -> None:
    from daydream_console import file_watcher
    from daydream_console.sources import remote

    if as_json or STANDARD_INPUT in wanted:
        raise ConfigurationError(
            "--watch can't be used with -, --dry-run or --json", "Leave them out"
        )
    if any(remote.is_remote(path) for path in wanted):
        raise ConfigurationError(
            "--watch follows folders of this machine only", "Repeat the command for addresses"
        )
    paths = [Path(path) for path in wanted]
    files_in(paths)  # raises for what does not exist
    async with connection(data) as client:
        err.print("watching for changes; stop with Ctrl-C")
        async for removed, offered in file_watcher.follow(client, paths, who, labels):
            _show_changes(removed, await ingest.reports(client, offered))


def _show_changes(removed: Sequence[str], reports: Sequence[DocumentReport]) -> None:
    for source in removed:
        out.print(f"removed {source}", markup=False)
    show_reports([report for report in reports if ingest.KNOWN not in report.note])
