"""The whole system on one machine, six processes, with a priced endpoint that answers at once: what the loop itself costs.

Measures daydreams a second from the first answer to the last verdict, and what a daydream costs at the endpoint's prices
($0.15 and $0.60 a million tokens) with the bundled notes and the default prompts. How long a start takes is measured too.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks.figures import figure
from support.programs import Daydream, priced_endpoint

ROUNDS, DAYDREAMS = 3, 100
NANO = 1_000_000_000


def run() -> None:
    """Print the figures."""
    rates, costs, walls, bounds = [], [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, priced_endpoint(Path(folder)) as endpoint:
            started = time.monotonic()
            done = Daydream(Path(folder) / "user", endpoint)(
                "run", "-n", str(DAYDREAMS), "--cap", "1", "--json", timeout_s=300
            )
            walls.append(time.monotonic() - started)
            found = json.loads(done.stdout)
            lines = endpoint.lines()
            rates.append(found["daydreams"] / (lines[-1]["at"] - lines[0]["at"]))
            costs.append(found["spent_usd"] / found["daydreams"])
            bounds.append(len(lines) / 2 / found["daydreams"])
    figure("loop", "daydreams_per_s", rates, "1/s", daydreams=DAYDREAMS)
    figure("loop", "usd_per_daydream", costs, "usd", prices="0.15 / 0.60 per million tokens")
    figure("loop", "calls_per_daydream", bounds, "calls")
    figure("loop", "run_of_100_daydreams_s", walls, "s")
