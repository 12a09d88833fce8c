"""Two hundred calls to the bundled model: how many had to be asked again, and whether any verdict was lost.

The loop of `toy` without an oracle and without planted hypotheses; the verdicts are read from the memory's own file at the end.
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

DAYDREAMS = 130  # enough for 200 calls: what the gates stop is not judged


def run() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        daydream = Daydream(Path(folder), None, HOME=os.environ["HOME"], DAYDREAM_PRICES_FILE="")
        drawn = json.loads(daydream("run", "-n", str(DAYDREAMS), "--json", timeout_s=3000).stdout)[
            "daydreams"
        ]
        (file,) = (daydream.data / "memory").glob("*.db")
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            verdicts = [
                VerdictReached.model_validate_json(body)
                for (body,) in db.execute("select body from verdicts")
            ]
    calls = [call for verdict in verdicts for call in (*verdict.hypothesis.calls, *verdict.calls)]
    unreadable = sum(verdict.reason in ("unreadable", "judge-unreadable") for verdict in verdicts)
    more = {"daydreams": drawn, "calls": len(calls)}
    figure("calls", "calls_repaired", [sum(call.repair for call in calls)], "calls", **more)
    figure("calls", "verdicts_lost", [drawn - len(verdicts)], "verdicts", **more)
    figure("calls", "answers_unreadable_after_repair", [unreadable], "verdicts", **more)
