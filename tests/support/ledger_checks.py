"""Compare what a system did with what its provider saw: daydreams, calls, and money."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.programs import clean_environment
from support.whole_system import CAP_NANOUSD, WholeSystem


async def check_nothing_lost_or_paid_twice(system: WholeSystem) -> None:
    """Let the system finish, and assert that nothing is lost, and nothing is paid twice."""
    state = await system.finish()
    assert state.memory is not None
    assert state.sampler is not None
    assert state.budget is not None
    ended = {name: process.poll() for name, process in system.processes.items()}
    assert not any(code is not None for code in ended.values()), ended
    assert state.dead_letters == 0
    verdicts, drawn = state.memory.verdicts, state.sampler.drawn
    assert verdicts == drawn, f"{drawn} pairs were drawn, and {verdicts} have a verdict"
    for key, times in system.endpoint.calls().items():
        assert times <= 1 + system.repeats_allowed[key], (
            "a call is repeated only if it was in flight at a fault, once per fault"
        )
    billed_nanousd = system.endpoint.witness()["cost_nanousd"]
    assert billed_nanousd <= state.budget.settled_nanousd <= CAP_NANOUSD
    _check_audit(await _audit(system))


def _check_audit(report: dict[str, Any]) -> None:
    assert report["findings"] == []
    assert report["served"]
    lost = report["invoice"]["differences"]
    assert all(row["ledger_nanousd"] is None for row in lost), "what was settled is what was billed"
    assert len(lost) <= report["unknown_calls"], "what was never settled is counted in full"


async def _audit(system: WholeSystem) -> dict[str, Any]:
    invoice: Path = system.endpoint.invoice(system.folder / "invoice.csv")
    command = [sys.executable, "-m", "daydream_budget", "audit", "--json"]
    done = await asyncio.to_thread(
        subprocess.run,
        [*command, "--invoice", str(invoice)],
        env=clean_environment(system.folder, DAYDREAM_NATS_URL=system.servers.url),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report
