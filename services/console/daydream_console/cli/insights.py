"""List insights."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_items, out
from daydream_console.cli.verdict_view import show_verdicts
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS


@command
async def insights_command(
    everything: Annotated[
        bool, typer.Option("--all", help="Show all verdicts, not only promoted ones.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number shown.")] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List insights, newest first, each with its two facts, scores and cost.

    Examples:
        daydream insights --limit 5
    """
    async with connection(data) as client:
        page = await client.rpc.request(
            MEMORY_VERDICTS, ListVerdicts(promoted_only=not everything, limit=limit)
        )
    if as_json:
        emit_items([verdict.model_dump(mode="json") for verdict in page.verdicts], page.total)
        return
    show_verdicts(page.verdicts, with_ids=True, retracted=page.retracted)
    if page.total:
        out.print(f"{len(page.verdicts)} of {page.total} shown.")
    else:
        out.print("No insight yet. See all verdicts: daydream insights --all")
