"""Follow the live events in the terminal."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from rich.text import Text

from daydream_console.cli.command import command
from daydream_console.cli.connection import running_address
from daydream_console.cli.insight_options import moment_or_none
from daydream_console.cli.json_document import json_document
from daydream_console.cli.options import Data
from daydream_console.cli.output import err, out
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.moments import FORMS
from daydream_console.stream_backlog import read_since
from daydream_console.web.event_summary import EventSummary, summarize
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import ROUTES, STREAMS, Retention

STYLES = {
    "promoted": "green",
    "insight": "bold green",
    "alert": "bold red",
    "retracted": "red",
    "discarded": "dim",
    "duplicate": "dim",
    "abstention": "dim",
}
QUEUE_MAX = 10_000
KIND_CHARS = 11
BACKLOG_MAX = 10_000  # of one stream
TIME_FORMAT = "%m-%d %H:%M:%S"
MESSAGES = {route.subject: route.message for route in ROUTES}
SHOWN = {route.stream for route in ROUTES}


@command
async def watch_command(
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Kind of event, e.g. promoted. Repeatable. Default: all."),
    ] = None,
    since: Annotated[
        str, typer.Option(help=f"Show stored events from this time on first: {FORMS}.")
    ] = "",
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document per event and line.")
    ] = False,
) -> None:
    """Show live events until Ctrl-C: pairs, hypotheses, verdicts, insights, reviews, alerts.

    Examples:
        daydream watch
        daydream watch --kind promoted --kind insight
        daydream watch --since 'last night'
    """
    start = moment_or_none(since)
    folder = DataFolder(data or default_folder())
    address = running_address(folder)
    if address is None:
        raise ConfigurationError(
            f"Nothing is running in {folder.path}", f"Start it: daydream up{folder.option}"
        )
    events: asyncio.Queue[Msg] = asyncio.Queue(QUEUE_MAX)

    async def take(message: Msg) -> None:
        await events.put(message)

    async with connected(address) as client:
        for subject in MESSAGES:
            await client.nc.subscribe(subject, cb=take)
        shown = set[str]()
        for message in await _backlog(client.js, start) if start else ():
            shown.add(_id_of(message))
            _show_message(message, message.metadata.timestamp, kind, as_json=as_json)
        err.print("Watching. Stop with Ctrl-C.")
        while True:
            event = await events.get()
            if _id_of(event) not in shown:
                _show_message(event, datetime.now(UTC), kind, as_json=as_json)


async def _backlog(js: JetStreamContext, start: datetime) -> list[Msg]:
    """Return what the streams store from a time on, oldest first.

    Work queues store nothing that is handled, so pairs and hypotheses in progress are missing.
    """
    stored = [
        message
        for stream in STREAMS
        if stream.retention is Retention.LIMITS and stream.name in SHOWN
        async for message in read_since(js, stream.name, start, BACKLOG_MAX)
    ]
    return sorted(stored, key=lambda message: message.metadata.timestamp)


def _id_of(message: Msg) -> str:
    """Return what is the same for a message in its stream and live."""
    return f"{message.subject} {(message.headers or {}).get('Nats-Msg-Id') or message.data!r}"


def _show_message(message: Msg, at: datetime, kinds: list[str] | None, *, as_json: bool) -> None:
    try:
        summary = summarize(MESSAGES[message.subject].model_validate_json(message.data))
    except ValueError:
        return  # written by another version; its own consumer reports it
    if not kinds or summary.kind in kinds:
        _show(summary, at.astimezone(), as_json=as_json)


def _show(summary: EventSummary, at: datetime, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(json_document({"at": at.isoformat(), **summary.as_json()})), flush=True)
        return
    score = f" · {summary.score:.1f}" if summary.score is not None else ""
    kind = (f" {summary.kind:{KIND_CHARS}} ", STYLES.get(summary.kind, "cyan"))
    out.print(Text.assemble((f"{at:{TIME_FORMAT}}", "dim"), kind, f"{summary.text}{score}"))
