"""Run a command: connect it to the system, turn errors into exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import typer

from daydream_console.cli.output import emit_json, err
from daydream_console.client import Client, connected
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.local.stack import READERS, running
from daydream_contracts.errors import ConfigurationError, DaydreamError

P = ParamSpec("P")
EXIT_FAILED = 1
EXIT_WRONG_SETTING = 2
EXIT_INTERRUPTED = 130


def command(work: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """Make an async function a command of the program.

    The function returns its exit code; None means 0. Exit codes: 0, 1 for a failure, 2 for a
    configuration error, 130 for Ctrl-C. These never show a traceback. With the option `as_json` an
    error is JSON on standard output.
    """

    @wraps(work)
    def run(*args: P.args, **options: P.kwargs) -> None:
        code = _run(work(*args, **options), as_json=bool(options.get("as_json")))
        raise typer.Exit(code)

    return run


@asynccontextmanager
async def connection(
    data: Path | None, services: tuple[str, ...] = READERS
) -> AsyncIterator[Client]:
    """Connect to the system of this folder, or of DAYDREAM_NATS_URL.

    If none is running, start NATS and these services for as long as the command takes, so that
    stored results can always be read.
    """
    if url := os.environ.get("DAYDREAM_NATS_URL"):
        async with connected(url) as client:
            yield client
        return
    folder = DataFolder(data or default_folder())
    folder.make()
    if not folder.hold():
        if not (url := folder.read("running.json").get("nats_url")):
            raise ConfigurationError(
                f"daydream is starting or stopping in {folder.path}", "Try again in a moment"
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


def confirm(question: str, *, yes: bool, declined: str) -> None:
    """Ask on standard error unless `yes`.

    Raise ConfigurationError with the text `declined` on a no.
    """
    if not yes and not typer.confirm(question, err=True):
        raise ConfigurationError(declined, "Answer yes, or pass --yes")


def _run(work: Coroutine[Any, Any, int | None], *, as_json: bool) -> int:
    try:
        return asyncio.run(_interruptible(work))
    except ConfigurationError as error:
        report = {"error": error.problem, "fix": error.fix}
        return _fail(report, f"{error.problem}. {error.fix}.", EXIT_WRONG_SETTING, as_json=as_json)
    except DaydreamError as error:
        return _fail({"error": str(error)}, str(error), EXIT_FAILED, as_json=as_json)


def _fail(report: dict[str, str], line: str, code: int, *, as_json: bool) -> int:
    if as_json:
        emit_json(report)
    else:
        print(f"daydream: {line}", file=sys.stderr)
    return code


async def _interruptible(work: Coroutine[Any, Any, int | None]) -> int:
    """Cancel the work at the first Ctrl-C or SIGTERM, and return 130.

    The work stops what it has started.
    """
    task = asyncio.ensure_future(work)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            err.print("\nstopping …")
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    try:
        return await task or 0
    except asyncio.CancelledError:
        return EXIT_INTERRUPTED
