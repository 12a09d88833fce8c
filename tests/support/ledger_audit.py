"""Run the audit of the ledger as its own process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.programs import NatsServer, clean_environment


async def audit(server: NatsServer, folder: Path) -> dict[str, Any]:
    """Return the report of `python -m daydream_budget audit --json`."""
    command = [sys.executable, "-m", "daydream_budget", "audit", "--json"]
    environment = clean_environment(folder, DAYDREAM_NATS_URL=server.url)
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report
