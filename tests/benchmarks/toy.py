"""`daydream run` as shipped: bundled notes, bundled embedding model, the toy model served here. Needs the toy's weights,
which the first run fetches. How many daydreams reach the judge, and how long one takes."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from benchmarks.figures import figure
from support.programs import Daydream

DAYDREAMS = 30


def run() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        shipped = {
            "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic,oracle",
            "DAYDREAM_SAMPLER_CANARY_SHARE": "0.02",
        }  # tests have neither
        daydream = Daydream(
            Path(folder), None, HOME=os.environ["HOME"], DAYDREAM_PRICES_FILE="", **shipped
        )
        started = time.monotonic()
        done = daydream("run", "-n", str(DAYDREAMS), "--json", timeout_s=900)
        wall = time.monotonic() - started
        found = json.loads(done.stdout)
    figure("toy", "run_s", [wall], "s", daydreams=DAYDREAMS)
    figure("toy", "judged", [found["judged"]], "daydreams", daydreams=DAYDREAMS)
    figure("toy", "promoted", [len(found["insights"])], "daydreams", daydreams=DAYDREAMS)
