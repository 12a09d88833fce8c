"""Two hundred calls to the toy model: the number of repairs, and whether any verdict was lost.

It is the loop of `toy` without the oracle and without canaries. The verdicts are read from the
memory's own file at the end.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from pathlib import Path

from benchmarks.figures import figure
from daydream_contracts.events import VerdictReached
from support.programs import Daydream

DAYDREAMS = 130  # enough for 200 calls: hypotheses that the gates stop are not judged


def run() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        daydream = Daydream(Path(folder), None, HOME=os.environ["HOME"], DAYDREAM_PRICES_FILE="")
        done = daydream("run", "-n", str(DAYDREAMS), "--json", timeout_s=3000)
        drawn = json.loads(done.stdout)["daydreams"]
        verdicts = _stored_verdicts(daydream.data / "memory")
    calls = [call for verdict in verdicts for call in (*verdict.hypothesis.calls, *verdict.calls)]
    repairs = sum(call.repair for call in calls)
    unreadable = sum(verdict.reason in ("unreadable", "judge-unreadable") for verdict in verdicts)
    context = {"daydreams": drawn, "calls": len(calls)}
    figure("calls", "calls_repaired", [repairs], "calls", **context)
    figure("calls", "verdicts_lost", [drawn - len(verdicts)], "verdicts", **context)
    figure("calls", "answers_unreadable_after_repair", [unreadable], "verdicts", **context)


def _stored_verdicts(folder: Path) -> list[VerdictReached]:
    (file,) = folder.glob("*.db")
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        rows = database.execute("select body from verdicts")
        return [VerdictReached.model_validate_json(body) for (body,) in rows]
