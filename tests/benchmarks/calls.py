"""Two hundred calls and more to the bundled model: how many had to be asked again, and whether any verdict was lost.

The whole loop as shipped, as in `toy`; once with answers that the server holds to a schema, once with free text, in which a model so small breaks JSON all
the time. The verdicts are read from the memory's own file at the end.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from pathlib import Path

from benchmarks.figures import figure
from daydream_shared.messages import VerdictReached
from support.programs import Daydream

DAYDREAMS = {"json_schema": 130, "text": 25}  # free text goes on to the most that an answer may have


def run() -> None:
    """Print the figures of both."""
    for answers, daydreams in DAYDREAMS.items():
        drawn, verdicts = _dreamt(answers, daydreams)
        calls = [call for verdict in verdicts for call in (*verdict.hypothesis.calls, *verdict.calls)]
        unreadable = sum(verdict.reason in ("unreadable", "judge-unreadable") for verdict in verdicts)
        more = {"answers": answers, "daydreams": drawn, "calls": len(calls)}
        figure("calls", "calls_repaired", [sum(call.repair for call in calls)], "calls", **more)
        figure("calls", "verdicts_lost", [drawn - len(verdicts)], "verdicts", **more)
        figure("calls", "answers_unreadable_after_repair", [unreadable], "verdicts", **more)


def _dreamt(answers: str, daydreams: int) -> tuple[int, list[VerdictReached]]:
    """How many pairs were drawn, and the verdicts that memory holds."""
    with tempfile.TemporaryDirectory() as folder:
        more = {"HOME": os.environ["HOME"], "DAYDREAM_PRICES_FILE": "", "DAYDREAM_MODEL_ANSWERS": answers}
        daydream = Daydream(Path(folder), None, **more)
        drawn = json.loads(daydream("run", "-n", str(daydreams), "--json", timeout_s=3000).stdout)["daydreams"]
        (file,) = (daydream.data / "memory").glob("*.db")
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            return drawn, [VerdictReached.model_validate_json(body) for (body,) in db.execute("select body from verdicts")]
