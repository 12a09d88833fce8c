"""Run a command of the gateway's program: only it has the keys of providers and their prices."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from daydream_contracts.errors import ConfigurationError

MODULE = "daydream_budget.gateway"
EXIT_SETTING = 2


async def ask_gateway_program(
    *arguments: str,
    environment: Mapping[str, str] = os.environ,
    progress: Callable[[str], None] = lambda _: None,
) -> Any:
    """Return what `python -m daydream_budget.gateway ARGUMENTS` prints, read as JSON.

    `progress` gets the lines that it writes meanwhile. Raise ConfigurationError with its last line
    for a wrong setting, or if it is not installed here.
    """
    if importlib.util.find_spec("daydream_budget") is None:
        raise ConfigurationError(
            "The budget service, which has the gateway, is not installed here",
            f"Run it where it is installed: python -m {MODULE} {' '.join(arguments)}",
        )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        MODULE,
        *arguments,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, last = await asyncio.gather(_all_of(process), _last_line(process, progress))
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code == EXIT_SETTING:
        problem, _, fix = last.partition(". ")
        raise ConfigurationError(problem, fix.rstrip("."))
    if code:
        raise ConfigurationError(f"The gateway's program ended with code {code}", last)
    return json.loads(output)


async def _all_of(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.read()


async def _last_line(process: asyncio.subprocess.Process, progress: Callable[[str], None]) -> str:
    assert process.stderr is not None
    last = ""
    async for line in process.stderr:
        last = line.decode(errors="replace").strip() or last
        progress(last)
    return last
