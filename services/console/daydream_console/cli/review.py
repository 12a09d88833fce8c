"""Record a person's decision on a verdict, or list verdicts that wait for one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_items, out
from daydream_console.cli.verdict_view import show_verdicts
from daydream_console.overview import wait_until_handled
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ReviewRecorded
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS

REVIEWS_SHOWN = 100


@command
async def review_command(
    verdict_id: Annotated[
        str, typer.Argument(help="Verdict ID. Default: list all that are waiting for review.")
    ] = "",
    accept: Annotated[
        bool | None,
        typer.Option("--accept/--reject", help="Accept or reject it.", show_default=False),
    ] = None,
    who: Who = "",
    note: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Review a verdict; your decision overrides the models'.

    Without an ID, list verdicts waiting for review.

    Examples:
        daydream review
        daydream review VERDICT_ID --accept --note "worth a test"
    """
    async with connection(data) as client:
        if verdict_id:
            if accept is None:
                raise ConfigurationError("Missing --accept or --reject", "Pass one of them")
            review = ReviewRecorded(
                verdict_id=verdict_id,
                accepted=accept,
                who=who or "unknown",
                note=note,
                recorded_at=datetime.now(UTC),
            )
            await wait_until_handled(client, ReviewRecorded, await client.publish(review))
        page = await client.rpc.request(
            MEMORY_VERDICTS, ListVerdicts(quarantined_only=True, limit=REVIEWS_SHOWN)
        )
    if as_json:
        emit_items([verdict.model_dump(mode="json") for verdict in page.verdicts], page.total)
        return
    show_verdicts(page.verdicts, with_ids=True)
    out.print(f"Waiting for review: {page.total}.")
