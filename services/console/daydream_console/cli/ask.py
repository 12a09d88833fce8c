"""Search the memory."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json
from daydream_console.cli.status_view import show_search_results
from daydream_contracts.rpc import Search
from daydream_contracts.topology import MEMORY_SEARCH


@command
async def ask_command(
    text: Annotated[str, typer.Argument(help="Text to search for.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of results.")] = 5,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Search the memory for similar facts and insights, with their ancestry. Call no model.

    Examples:
        daydream ask "why do ships need standard containers?"
    """
    async with connection(data) as client:
        results = await client.rpc.request(MEMORY_SEARCH, Search(text=text, limit=limit))
    if as_json:
        emit_json(results.model_dump(mode="json"))
    else:
        show_search_results(results)
