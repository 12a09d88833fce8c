"""Record a person's decision on a verdict, or list verdicts that wait for one."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_items, out
from daydream_console.cli.verdict_view import show_verdicts
from daydream_console.insights.pages import read_insight
from daydream_console.reviews import new_review, publish_review, undo_of
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS

REVIEWS_SHOWN = 100


@command
async def review_command(
    verdict_id: Annotated[
        str, typer.Argument(help="Insight ID. Default: list all that are waiting for review.")
    ] = "",
    accept: Annotated[
        bool | None,
        typer.Option("--accept/--reject", help="Accept or reject it.", show_default=False),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the last review: restore the state before it.")
    ] = False,
    who: Who = "",
    note: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Review an insight; your decision overrides the models'.

    Rejecting an insight in use also retracts it. Without an ID, list verdicts waiting for review.

    Examples:
        daydream review
        daydream review INSIGHT_ID --accept --note "worth a test"
        daydream review INSIGHT_ID --undo
    """
    async with connection(data) as client:
        if verdict_id:
            if undo is (accept is not None):
                raise ConfigurationError(
                    "Missing --accept, --reject or --undo", "Pass exactly one of them"
                )
            detail = await read_insight(client.rpc, verdict_id)
            reviewer = who or "unknown"
            review = (
                undo_of(detail, who=reviewer, note=note)
                if accept is None
                else new_review(detail, accepted=accept, who=reviewer, note=note)
            )
            await publish_review(client, detail, review, note)
        page = await client.rpc.request(
            MEMORY_VERDICTS, ListVerdicts(quarantined_only=True, limit=REVIEWS_SHOWN)
        )
    if as_json:
        emit_items([verdict.model_dump(mode="json") for verdict in page.verdicts], page.total)
        return
    show_verdicts(page.verdicts, with_ids=True)
    out.print(f"Waiting for review: {page.total}.")
