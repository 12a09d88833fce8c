"""Stop using documents. Ingesting them again undoes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daydream_console import stored_sources
from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who
from daydream_console.cli.output import emit_items, out
from daydream_contracts.errors import ConfigurationError


@command
async def remove_command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Ingested files and folders. They need not exist any more."),
    ],
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Stop using facts that come only from these documents. Ingest them again to undo it.

    Examples:
        daydream remove ~/papers/draft.pdf
    """
    async with connection(data) as client:
        sources = await stored_sources.sources_under(client, paths)
        if not sources:
            raise ConfigurationError(
                "No ingested document matches that path",
                "Pass the path under which it was ingested",
            )
        await stored_sources.remove(client, sources, who)
    if as_json:
        emit_items(sources)
    else:
        out.print("\n".join(f"removed {source}" for source in sources), markup=False)
