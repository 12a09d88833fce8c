"""Show one insight in full."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import INSIGHT_READERS, connection
from daydream_console.cli.insight_detail_view import show_insight_detail
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json
from daydream_console.insights.pages import read_insight


@command
async def insights_show(
    insight_id: Annotated[
        str, typer.Argument(help="ID of the insight or its verdict, as 'daydream insights' prints.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one insight: reasoning, both sources, judges, nearest match, ancestry, reviews, cost.

    Examples:
        daydream insights show INSIGHT_ID
    """
    async with connection(data, INSIGHT_READERS) as client:
        detail = await read_insight(client.rpc, insight_id)
    if as_json:
        emit_json(detail.model_dump(mode="json"))
    else:
        show_insight_detail(detail)
