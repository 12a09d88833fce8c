"""Commands that put texts in and read what is known, was found and is going on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from daydream_console import ingest as ingesting
from daydream_console.cli import output
from daydream_console.cli.options import Clearance, Data, Json, Team, Who, Why
from daydream_console.cli.output import emit_json, err, out
from daydream_console.cli.session import perform, reading
from daydream_console.client import Client
from daydream_console.local.folder import default_folder
from daydream_console.overview import overview, settled
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ReviewRecorded
from daydream_contracts.rpc import DocumentReport, ListVerdicts, Search
from daydream_contracts.topology import MEMORY_INSIGHTS, MEMORY_SEARCH

STANDARD_INPUT = Path("-")


def ingest_command(
    paths: Annotated[
        list[Path], typer.Argument(help="Files and folders to read; - for standard input.")
    ],
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Go on until Ctrl-C: what is new or edited is read, what is gone is forgotten.",
        ),
    ] = False,
    called: Annotated[
        str,
        typer.Option(
            "--name", help="Name of what comes by standard input; its ending tells the format."
        ),
    ] = "",
    team: Team = "",
    clearance: Clearance = "",
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put documents into the memory. Says for each what it did; while the system runs, the embedding follows in the background."""

    async def work() -> None:
        given = [path for path in paths if path != STANDARD_INPUT]
        if watch and (len(given) < len(paths) or as_json):
            raise ConfigurationError(
                "--watch goes with files and folders, and without --json", "Leave out - and --json"
            )
        files = ingesting.files_under(given)
        labels = ingesting.Labels(team, clearance)
        async with reading(data or default_folder()) as client:
            if watch:
                await _watch(client, given, who, labels)
                return
            with Progress(console=err, transient=True) as progress:
                task = progress.add_task("reading", total=len(files))
                offered = []
                if len(given) < len(paths):
                    offered.append(await _standard_input(client, called, labels))
                async for one in ingesting.offer(client, files, labels=labels):
                    offered.append(one)
                    progress.update(task, completed=len(offered) / 2)
                found = await ingesting.reports(
                    client,
                    offered,
                    seen=lambda done: progress.update(task, completed=(len(files) + done) / 2),
                )
        if as_json:
            emit_json([report.model_dump(mode="json") for report in found])
        else:
            output.show_reports(found)

    perform(work, as_json=as_json)


async def _standard_input(
    client: Client, called: str, labels: ingesting.Labels
) -> ingesting.Offered:
    content = sys.stdin.buffer.read(ingesting.BYTES_MAX + 1)
    if len(content) > ingesting.BYTES_MAX:
        raise ConfigurationError(
            f"standard input has more than {ingesting.BYTES_MAX >> 20} MB", "Split it"
        )
    return await ingesting.offer_bytes(client, content, called or "standard input", labels=labels)


async def _watch(client: Client, paths: Sequence[Path], who: str, labels: ingesting.Labels) -> None:
    from daydream_console import file_watcher

    gone, offers = await file_watcher.catch_up(client, paths, who, labels)
    _say(gone, await ingesting.reports(client, [one async for one in offers]))
    err.print("watching; Ctrl-C ends it")
    async for removed, offered in file_watcher.changes(client, paths, who, labels):
        _say(removed, await ingesting.reports(client, offered))


def _say(removed: Sequence[str], reports: Sequence[DocumentReport]) -> None:
    for source in removed:
        out.print(f"removed {source}", markup=False)
    output.show_reports([report for report in reports if "known already" not in report.note])


def insights_command(
    everything: Annotated[
        bool, typer.Option("--all", help="All verdicts, not only promoted ones.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What was found, newest first: each with its two facts, scores and cost."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            page = await client.ask(
                MEMORY_INSIGHTS, ListVerdicts(promoted_only=not everything, limit=limit)
            )
        if as_json:
            emit_json([verdict.model_dump(mode="json") for verdict in page.verdicts])
            return
        output.show_verdicts(page.verdicts, with_ids=True, retracted=page.retracted)
        out.print(
            f"{len(page.verdicts)} of {page.total} shown."
            if page.total
            else "No insight has been promoted yet. All verdicts: daydream insights --all"
        )

    perform(work, as_json=as_json)


def review_command(
    verdict_id: Annotated[
        str, typer.Argument(help="A verdict that waits; none: list all that do.")
    ] = "",
    accept: Annotated[
        bool | None, typer.Option("--accept/--reject", help="Your word on it.", show_default=False)
    ] = None,
    who: Who = "",
    note: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What waits in quarantine (DAYDREAM_MEMORY_QUARANTINE=true), and a person's word on it: accepted ones become facts."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            if verdict_id:
                if accept is None:
                    raise ConfigurationError("your word is missing", "Give --accept or --reject")
                review = ReviewRecorded(
                    verdict_id=verdict_id,
                    accepted=accept,
                    who=who or "unknown",
                    note=note,
                    recorded_at=datetime.now(UTC),
                )
                await settled(client, ReviewRecorded, await client.publish(review))
            page = await client.ask(MEMORY_INSIGHTS, ListVerdicts(quarantined_only=True, limit=100))
        if as_json:
            emit_json([verdict.model_dump(mode="json") for verdict in page.verdicts])
            return
        output.show_verdicts(page.verdicts, with_ids=True)
        out.print(f"{page.total} wait for a person's word.")

    perform(work, as_json=as_json)


def ask_command(
    text: str,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 5,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What is known that is close to a text: facts and insights with their ancestry. No model is called."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            found = await client.ask(MEMORY_SEARCH, Search(text=text, limit=limit))
        if as_json:
            emit_json(found.model_dump(mode="json"))
        else:
            output.show_found(found)

    perform(work, as_json=as_json)


def status_command(data: Data = None, as_json: Json = False) -> None:
    """How much is known, what is on its way, what is spent."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            now = await overview(client.ask, client.js)
        if as_json:
            emit_json(now.model_dump(mode="json"))
        else:
            output.show_status(now)

    perform(work, as_json=as_json)
