"""List insights, review verdicts, search the memory, and show the status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_json, out
from daydream_console.cli.session import command, connection
from daydream_console.cli.status_view import show_search_results, show_status
from daydream_console.cli.verdict_view import show_verdicts
from daydream_console.overview import overview, wait_until_handled
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import ReviewRecorded
from daydream_contracts.rpc import ListVerdicts, Search
from daydream_contracts.topology import MEMORY_SEARCH, MEMORY_VERDICTS

REVIEWS_SHOWN = 100


@command
async def insights_command(
    everything: Annotated[
        bool, typer.Option("--all", help="Show all verdicts, not only promoted ones.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number shown.")] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List insights, newest first, each with its two facts, scores and cost."""
    async with connection(data) as client:
        page = await client.rpc.request(
            MEMORY_VERDICTS, ListVerdicts(promoted_only=not everything, limit=limit)
        )
    if as_json:
        emit_json([verdict.model_dump(mode="json") for verdict in page.verdicts])
        return
    show_verdicts(page.verdicts, with_ids=True, retracted=page.retracted)
    if page.total:
        out.print(f"{len(page.verdicts)} of {page.total} shown.")
    else:
        out.print("No insight yet. See all verdicts: daydream insights --all")


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
        emit_json([verdict.model_dump(mode="json") for verdict in page.verdicts])
        return
    show_verdicts(page.verdicts, with_ids=True)
    out.print(f"Waiting for review: {page.total}.")


@command
async def ask_command(
    text: Annotated[str, typer.Argument(help="Text to search for.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of results.")] = 5,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Search the memory for similar facts and insights, with their ancestry. Call no model."""
    async with connection(data) as client:
        results = await client.rpc.request(MEMORY_SEARCH, Search(text=text, limit=limit))
    if as_json:
        emit_json(results.model_dump(mode="json"))
    else:
        show_search_results(results)


@command
async def status_command(data: Data = None, as_json: Json = False) -> None:
    """Show memory, sampler, pending work and spend."""
    async with connection(data) as client:
        state = await overview(client.rpc, client.js)
    if as_json:
        emit_json(state.model_dump(mode="json"))
    else:
        show_status(state)
