"""What a command works with: the system that runs already, or one that is started just for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import typer

from daydream_console.cli.output import emit_json, err
from daydream_console.client import Client, connected
from daydream_console.local.folder import DataFolder
from daydream_console.local.stack import READERS, running
from daydream_contracts.errors import ConfigurationError, DaydreamError

EXIT_WRONG = 2
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


@asynccontextmanager
async def reading(data: Path, services: tuple[str, ...] = READERS) -> AsyncIterator[Client]:
    """A connection to the system of this folder (or of DAYDREAM_NATS_URL). When nothing runs there, NATS and these services
    are started for as long as the command takes: what is known can always be read."""
    elsewhere = os.environ.get("DAYDREAM_NATS_URL")
    folder = DataFolder(data)
    if elsewhere:
        async with connected(elsewhere) as client:
            yield client
        return
    folder.make()
    if not folder.hold():
        url = folder.read("running.json").get("nats_url")
        if not url:
            raise ConfigurationError(
                f"daydream is just starting or stopping in {folder.path}", "Try again in a moment"
            )
        async with connected(url) as client:
            yield client
        return
    folder.release()
    with err.status("starting the memory …") as status:
        async with (
            running(folder, services, draws=False) as stack,
            connected(stack.nats_url) as client,
        ):
            status.stop()
            yield client


def perform(work: Callable[[], Coroutine[Any, Any, int | None]], *, as_json: bool = False) -> None:
    """Run a command to its exit code: 0, 1 for a failure, 2 for a wrong setting, 130 for Ctrl-C. Never a traceback for these."""
    try:
        code = asyncio.run(_interruptible(work()))
    except ConfigurationError as wrong:
        code = _fail(
            {"error": wrong.what, "fix": wrong.fix},
            f"{wrong.what}. {wrong.fix}.",
            EXIT_WRONG,
            as_json=as_json,
        )
    except DaydreamError as failure:
        code = _fail({"error": str(failure)}, str(failure), EXIT_FAILED, as_json=as_json)
    raise typer.Exit(code or 0)


def _fail(as_data: dict[str, str], line: str, code: int, *, as_json: bool) -> int:
    if as_json:
        emit_json(as_data)
    else:
        print(f"daydream: {line}", file=sys.stderr)
    return code


async def _interruptible(work: Coroutine[Any, Any, int | None]) -> int:
    """The first Ctrl-C or SIGTERM cancels the work, which then stops what it has started; it says so by 130."""
    task = asyncio.ensure_future(work)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            err.print("\nstopping, a moment …")
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    try:
        return await task or 0
    except asyncio.CancelledError:
        return EXIT_INTERRUPTED
