"""Serve a running system to programs that speak the Model Context Protocol."""

from __future__ import annotations

import importlib.util
from importlib.metadata import version

from daydream_console.cli.command import command
from daydream_console.cli.connection import INSIGHT_READERS, connection
from daydream_console.cli.options import Data
from daydream_contracts.errors import ConfigurationError


@command
async def mcp_command(data: Data = None) -> None:
    """Serve insights to AI assistants by MCP, on standard input and output, until it is closed.

    Tools: list, search and show insights, ask the memory, review, status. Configure it in your
    assistant as the command below.

    Examples:
        daydream mcp
    """
    if importlib.util.find_spec("mcp") is None:
        raise ConfigurationError(
            "The MCP server is not installed", "Run: pip install 'daydream-console[mcp]'"
        )
    from daydream_console.mcp_server.server import create_server

    async with connection(data, (*INSIGHT_READERS, "budget")) as client:
        await create_server(client, version("daydream-console")).run_stdio_async()
