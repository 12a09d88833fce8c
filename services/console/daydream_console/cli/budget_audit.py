"""Run the audit of the budget service, in its own process, against the running system."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json
from daydream_contracts.errors import ConfigurationError

BUDGET = "budget"  # whose user may read all of the ledger


@command
async def budget_audit(
    invoice: Annotated[
        Path | None,
        typer.Option(
            help="Provider's invoice (CSV or JSON) to compare with the ledger, row by row.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Check every invariant of the ledger, and compare it with an invoice.

    Exit with 1 if something is wrong.

    Examples:
        daydream budget audit --invoice invoice.csv
    """
    if importlib.util.find_spec("daydream_budget") is None:
        raise ConfigurationError(
            "The budget service is not installed here",
            "Run the audit where it is installed: python -m daydream_budget audit",
        )
    arguments = [sys.executable, "-m", "daydream_budget", "audit"]
    if invoice:
        arguments += ["--invoice", str(invoice)]
    if as_json:
        arguments.append("--json")
    async with connection(data) as client:
        environment = {**os.environ, **client.address.variables(BUDGET)}
        stdout = asyncio.subprocess.PIPE if as_json else None
        process = await asyncio.create_subprocess_exec(*arguments, env=environment, stdout=stdout)
        try:
            output, _ = await process.communicate()
            if as_json and output:
                emit_json(json.loads(output))
            return process.returncode or 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
