"""List insights."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import INSIGHT_READERS, connection
from daydream_console.cli.insight_options import (
    Kinds,
    MinScore,
    MinWorth,
    Since,
    Strategies,
    Teams,
    Until,
    moment_or_none,
)
from daydream_console.cli.insight_query import query_of
from daydream_console.cli.insight_view import show_insight_page
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_items
from daydream_console.insights.pages import read_insights
from daydream_contracts.rpc import InsightState

LIMIT_MAX = 10_000


@command
async def insights_command(
    since: Since = "",
    until: Until = "",
    words: Annotated[str, typer.Option(help="Words that all must occur.")] = "",
    sort: Annotated[str, typer.Option(help="Order: worth, score or date.")] = "worth",
    reverse: Annotated[bool, typer.Option("--reverse", help="Lowest or oldest first.")] = False,
    min_score: MinScore = None,
    min_worth: MinWorth = None,
    strategy: Strategies = None,
    kind: Kinds = None,
    team: Teams = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show all verdicts, not only insights.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="Maximum number shown.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Number of the first ones left out.")] = 0,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List insights, best first: when and why found, from what, how good, at what cost.

    Show one in full, with its judges and ancestry: daydream insights show ID.

    Examples:
        daydream insights --since "last night" --limit 5
        daydream insights --sort date --min-score 7 --strategy anchored --kind analogy
        daydream insights show INSIGHT_ID
    """
    query = query_of(
        since=moment_or_none(since),
        until=moment_or_none(until),
        words=words,
        sort=sort,
        descending=not reverse,
        min_score=min_score,
        min_worth=min_worth,
        strategies=strategy or None,
        kinds=kind or None,
        teams=team or None,
        states=tuple(InsightState) if everything else None,
    )
    async with connection(data, INSIGHT_READERS) as client:
        page = await read_insights(client.rpc, query, limit, offset)
    if as_json:
        emit_items([insight.model_dump(mode="json") for insight in page.insights], page.total)
    else:
        show_insight_page(page, offset)
