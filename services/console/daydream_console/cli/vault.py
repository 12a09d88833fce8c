"""Write insights as a vault of notes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import count, emit_json, err, out
from daydream_console.export.reading import read_all
from daydream_console.vault import active_insights, notes_of, write_vault


@command
async def vault_command(
    folder: Annotated[
        Path, typer.Argument(help="Folder for the notes, e.g. inside an existing vault.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write insights as linked Markdown notes.

    Run it again to update them; notes you changed stay.

    Examples:
        daydream vault ~/notes/daydream
    """
    async with connection(data) as client:
        with err.status("reading insights …"):
            page = await read_all(client, promoted_only=True)
    result = write_vault(folder.absolute(), notes_of(active_insights(page)))
    if as_json:
        emit_json(vars(result))
        return
    for name in result.kept:
        out.print(f"not overwritten (changed, or not ours): {folder / name}", markup=False)
    written = count(len(result.written), "note")
    out.print(f"{written} written, {len(result.removed)} removed in {folder}.", markup=False)
