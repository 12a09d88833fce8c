"""How long each service takes to be ready; a whole start; and the memory of idle services."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks.figures import figure
from benchmarks.pipeline.system import ROLES, benched_system, resident_mb
from support.programs import Daydream, priced_endpoint

WARM_CAP = "1"


async def start(quick: bool) -> None:
    """Print the figures. Modules are compiled by the first start."""
    rounds = 2 if quick else 5
    async with benched_system() as benched:
        for name, pid in benched.pids.items():
            figure("pipeline", "idle_rss_mb", [resident_mb(pid)], "MB", process=name)
        for name in ROLES:
            times = [benched.restart(name) for _ in range(rounds)]
            figure("pipeline", "start_s", times, "s", process=name)
    _whole_start(rounds)


def _whole_start(rounds: int) -> None:
    """Measure `daydream run` from the command to its first call, with a memory that has facts."""
    with tempfile.TemporaryDirectory() as folder, priced_endpoint(Path(folder)) as endpoint:
        daydream = Daydream(Path(folder) / "user", endpoint)
        times = []
        for _ in range(rounds + 1):
            lines = len(endpoint.lines())
            began = time.time()
            done = daydream("run", "-n", "1", "--cap", WARM_CAP, "--json")
            assert json.loads(done.stdout)["daydreams"], done.stderr
            times.append(endpoint.lines()[lines]["at"] - began)
    figure("pipeline", "run_to_first_call_s", times[1:], "s")
