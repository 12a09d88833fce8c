"""Print the AsyncAPI document."""

from __future__ import annotations

from importlib.metadata import version

from daydream_console.asyncapi import document
from daydream_console.cli.command import command


@command
async def asyncapi_command() -> None:
    """Print the AsyncAPI document of all subjects and messages, as JSON.

    Examples:
        daydream asyncapi > asyncapi.json
    """
    print(document(version("daydream-console")))
