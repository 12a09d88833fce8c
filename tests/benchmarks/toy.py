"""`daydream run` as shipped: bundled notes, bundled embedding model, and the toy model served here.

Measures how many daydreams reach a judge, and how long a run takes. The first run downloads the toy
model's weights.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

from benchmarks.figures import figure
from support.programs import Daydream

DAYDREAMS = 30
SHIPPED = {  # the test environment turns both off
    "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic,oracle",
    "DAYDREAM_SAMPLER_CANARY_SHARE": "0.02",
}


def run() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"HOME": os.environ["HOME"], "DAYDREAM_PRICES_FILE": "", **SHIPPED}
        daydream = Daydream(Path(folder), None, **environment)
        started = time.monotonic()
        done = daydream("run", "-n", str(DAYDREAMS), "--json", timeout_s=900)
        duration = time.monotonic() - started
        result = json.loads(done.stdout)
    promoted = len(result["insights"])
    figure("toy", "run_s", [duration], "s", daydreams=DAYDREAMS)
    figure("toy", "judged", [result["judged"]], "daydreams", daydreams=DAYDREAMS)
    figure("toy", "promoted", [promoted], "daydreams", daydreams=DAYDREAMS)
