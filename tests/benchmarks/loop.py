"""The whole system on one machine, with a priced endpoint that answers at once: the cost of the
loop.

Measures daydreams per second from the first answer to the last verdict, and the cost per daydream
at the endpoint's prices ($0.15 and $0.60 per million tokens), with the bundled notes and the
default prompts. The duration of the whole run includes the start.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks.figures import figure
from support.programs import Daydream, priced_endpoint

ROUNDS, DAYDREAMS = 3, 100
RUN = ("run", "-n", str(DAYDREAMS), "--cap", "1", "--json")


def run() -> None:
    """Print the figures."""
    rates, costs, durations, calls = [], [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, priced_endpoint(Path(folder)) as endpoint:
            started = time.monotonic()
            done = Daydream(Path(folder) / "user", endpoint)(*RUN, timeout_s=300)
            durations.append(time.monotonic() - started)
            result = json.loads(done.stdout)
            lines = endpoint.lines()
        daydreams = result["daydreams"]
        rates.append(daydreams / (lines[-1]["at"] - lines[0]["at"]))
        costs.append(result["spent_usd"] / daydreams)
        calls.append(len(lines) / 2 / daydreams)  # two lines per call
    figure("loop", "daydreams_per_s", rates, "1/s", daydreams=DAYDREAMS)
    figure("loop", "usd_per_daydream", costs, "usd", prices="0.15 / 0.60 per million tokens")
    figure("loop", "calls_per_daydream", calls, "calls")
    figure("loop", "run_of_100_daydreams_s", durations, "s")
