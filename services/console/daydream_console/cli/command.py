"""Run a command: stop it at Ctrl-C, turn errors into exit codes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import typer

from daydream_console.cli.output import emit_json, err
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
