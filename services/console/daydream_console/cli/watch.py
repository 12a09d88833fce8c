"""Follow the live events in the terminal."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Annotated

import typer
from nats.aio.msg import Msg
from rich.text import Text

from daydream_console.cli.command import command
from daydream_console.cli.connection import running_address
from daydream_console.cli.json_document import json_document
from daydream_console.cli.options import Data
from daydream_console.cli.output import err, out
from daydream_console.client import connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.web.event_summary import EventSummary, summarize
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import ROUTES

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


@command
async def watch_command(
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Kind of event, e.g. promoted. Repeatable. Default: all."),
    ] = None,
    data: Data = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document per event and line.")
    ] = False,
) -> None:
    """Show live events until Ctrl-C: pairs, hypotheses, verdicts, insights, reviews, alerts.

    Examples:
        daydream watch
        daydream watch --kind promoted --kind insight
    """
    folder = DataFolder(data or default_folder())
    address = running_address(folder)
    if address is None:
        raise ConfigurationError(
            f"Nothing is running in {folder.path}", f"Start it: daydream up{folder.option}"
        )
    events: asyncio.Queue[Msg] = asyncio.Queue(QUEUE_MAX)
    messages = {route.subject: route.message for route in ROUTES}

    async def take(message: Msg) -> None:
        await events.put(message)

    async with connected(address) as client:
        for subject in messages:
            await client.nc.subscribe(subject, cb=take)
        err.print("Watching. Stop with Ctrl-C.")
        while True:
            event = await events.get()
            try:
                summary = summarize(messages[event.subject].model_validate_json(event.data))
            except ValueError:
                continue  # written by another version; its own consumer reports it
            if not kind or summary.kind in kind:
                _show(summary, as_json=as_json)


def _show(summary: EventSummary, *, as_json: bool) -> None:
    now = datetime.now().astimezone()
    if as_json:
        print(json.dumps(json_document({"at": now.isoformat(), **summary.as_json()})), flush=True)
        return
    score = f" · {summary.score:.1f}" if summary.score is not None else ""
    kind = (f" {summary.kind:{KIND_CHARS}} ", STYLES.get(summary.kind, "cyan"))
    out.print(Text.assemble((f"{now:%H:%M:%S}", "dim"), kind, f"{summary.text}{score}"))
