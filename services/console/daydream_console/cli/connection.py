"""Connect a command to a running system, or to one that runs for as long as the command."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from daydream_console.cli.output import steps
from daydream_console.client import Client, address_of, connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.grants import CONSOLE
from daydream_runtime.nats_url import NatsAddress

READERS = ("budget", "memory")
INSIGHT_READERS = ("memory", "console")


@asynccontextmanager
async def connection(
    data: Path | None, services: tuple[str, ...] = READERS
) -> AsyncIterator[Client]:
    """Connect to the system of this folder, or of DAYDREAM_NATS_URL.

    If none is running, start NATS and these services for as long as the command takes, so that
    stored results can always be read.
    """
    folder = DataFolder(data or default_folder())
    if address := running_address(folder):
        async with connected(address) as client:
            yield client
        return
    from daydream_console.local.stack import running

    async with AsyncExitStack() as opened:
        with steps("nothing is running: starting the memory for this command") as show:
            system = running(folder, services, draws=False, progress=show)
            stack = await opened.enter_async_context(system)
            client = await opened.enter_async_context(connected(stack.address))
        yield client


def running_address(folder: DataFolder) -> NatsAddress | None:
    """Return the address of NATS in the system that runs. None: none runs in this folder.

    Raise ConfigurationError while it starts or stops.
    """
    if url := os.environ.get("DAYDREAM_NATS_URL"):
        return address_of(url)
    if not folder.is_held():
        return None
    url = folder.read("running.json").get("nats_url")
    if not url:
        raise ConfigurationError(
            f"daydream is starting or stopping in {folder.path}{folder.holder}",
            "Try again in a moment",
        )
    return folder.nats_address(url, CONSOLE)
