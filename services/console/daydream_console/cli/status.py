"""Show what the system is doing."""

from __future__ import annotations

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json
from daydream_console.cli.status_view import show_status
from daydream_console.overview import overview


@command
async def status_command(data: Data = None, as_json: Json = False) -> None:
    """Show memory, sampler, pending work and spend."""
    async with connection(data) as client:
        state = await overview(client.rpc, client.js)
    if as_json:
        emit_json(state.model_dump(mode="json"))
    else:
        show_status(state)
