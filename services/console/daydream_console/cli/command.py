"""Run a command: stop it at Ctrl-C, turn errors into exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from types import FrameType
from typing import Any, ParamSpec

import typer

from daydream_console.cli.exit_codes import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_WRONG_SETTING,
)
from daydream_console.cli.output import emit_json
from daydream_console.error_fixes import fix_of
from daydream_contracts.errors import ConfigurationError, DaydreamError, PermanentError

P = ParamSpec("P")
STOPPING = "\nstopping … (Ctrl-C again ends at once)"
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class DeclinedError(Exception):
    """A person answered no. The text says what was therefore not done."""


def command(work: Callable[P, Coroutine[Any, Any, int | None]]) -> Callable[P, None]:
    """Make an async function a command of the program.

    The function returns its exit code; None means 0. Errors become the codes of `exit_codes`, and
    never show a traceback. With the option `as_json` an error is JSON on standard output.
    """

    @wraps(work)
    def run(*args: P.args, **options: P.kwargs) -> None:
        code = _run(work(*args, **options), as_json=bool(options.get("as_json")))
        raise typer.Exit(code)

    return run


def confirm(question: str, *, yes: bool, declined: str) -> None:
    """Ask on standard error unless `yes`. Raise DeclinedError with the text `declined` on a no.

    No input counts as a no. Ctrl-C stops the command as everywhere.
    """
    if yes:
        return
    stop = signal.signal(signal.SIGINT, signal.default_int_handler)  # the read must end with it
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print(STOPPING, file=sys.stderr)
        raise asyncio.CancelledError from None
    finally:
        signal.signal(signal.SIGINT, stop)
    if answer.strip().lower() not in ("y", "yes"):
        raise DeclinedError(declined)


def _run(work: Coroutine[Any, Any, int | None], *, as_json: bool) -> int:
    try:
        return asyncio.run(_interruptible(work))
    except ConfigurationError as error:
        report = {"error": error.problem, "fix": error.fix}
        return _fail(report, f"{error.problem}. {error.fix}.", EXIT_WRONG_SETTING, as_json=as_json)
    except PermanentError as error:
        fix = fix_of(error.reason)
        line = f"{error}. {fix}." if fix else str(error)
        return _fail({"error": str(error), "fix": fix}, line, EXIT_FAILED, as_json=as_json)
    except DaydreamError as error:
        report = {"error": str(error), "fix": "Try again. See what is wrong: daydream status"}
        return _fail(report, str(error), EXIT_FAILED, as_json=as_json)
    except DeclinedError as error:
        report = {"error": str(error), "fix": "Answer yes, or pass --yes"}
        return _fail(report, f"{error}.", EXIT_FAILED, as_json=as_json)


def _fail(report: dict[str, str], line: str, code: int, *, as_json: bool) -> int:
    if as_json:
        emit_json(report)
    else:
        print(f"daydream: {line}", file=sys.stderr)
    return code


async def _interruptible(work: Coroutine[Any, Any, int | None]) -> int:
    """Cancel the work at the first Ctrl-C or SIGTERM, and return 130.

    The work stops what it has started. The second Ctrl-C ends this process at once. What it has
    started ends with it, and the next run continues.
    """
    task = asyncio.ensure_future(work)
    handler = _stop_handler(asyncio.get_running_loop(), task)
    before = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        return await task or 0
    except asyncio.CancelledError:
        return EXIT_INTERRUPTED
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _stop_handler(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]
) -> Callable[[int, FrameType | None], None]:
    """Return a handler that also runs while the loop is blocked, unlike the loop's own."""
    interrupted = False

    def interrupt(number: int, _: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted and number == signal.SIGINT:
            os._exit(EXIT_INTERRUPTED)
        if not interrupted:
            interrupted = True
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{STOPPING}\n".encode())
            loop.call_soon_threadsafe(task.cancel)

    return interrupt
