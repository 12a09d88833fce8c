"""`daydream budget audit`: runs the budget service's own audit, as a process of its own, against the running system."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from daydream_console.cli.options import Data, Json
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_contracts.errors import ConfigurationError


def budget_audit(
    invoice: Annotated[
        Path | None,
        typer.Option(
            help="Provider's invoice as CSV or JSON, to compare with the ledger.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Read the whole ledger again, check every invariant, and compare it with the provider's bill. Changes nothing; exit code 1
    if something is wrong."""

    async def work() -> int:
        if importlib.util.find_spec("daydream_budget") is None:
            raise ConfigurationError(
                "the budget service is not installed here",
                "Run it where it is: python -m daydream_budget audit",
            )
        command = [
            sys.executable,
            "-m",
            "daydream_budget",
            "audit",
            *(["--invoice", str(invoice)] if invoice else []),
            *(["--json"] if as_json else []),
        ]
        async with reading(data or default_folder()) as client:
            audit = await asyncio.create_subprocess_exec(
                *command, env={**os.environ, "DAYDREAM_NATS_URL": client.nats_url}
            )
            try:
                return await audit.wait()
            finally:
                if audit.returncode is None:
                    audit.kill()
                    await audit.wait()

    perform(work, as_json=as_json)
