"""kill -9 in the middle of a run. The endpoint's log is the witness: nothing is lost, and no answered call is paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from support.programs import Daydream, Endpoint, priced_endpoint, until

DAYDREAMS = 24
KILLS = 8
# everything that pays: an oracle for what is promoted, and planted hypotheses beside the others
WHOLE = {
    "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic,oracle",
    "DAYDREAM_CRITIC_PROMOTE_SCORE": "6",
    "DAYDREAM_SAMPLER_CANARY_SHARE": "0.1",
}
NANO = 1_000_000_000
EVERY_PROCESS = (
    "synthesizer",
    "critic",
    "oracle",
    "memory",
    "budget",
    "sampler",
    "nats",
    "console",
)


class Chaos:
    """A run, and what was in flight whenever something was killed in it."""

    def __init__(self, daydream: Daydream, endpoint: Endpoint) -> None:
        self.daydream = daydream
        self.endpoint = endpoint
        self.in_flight: dict[str, int] = {}

    def start(self) -> subprocess.Popen[str]:
        return self.daydream.start("run", "-n", str(DAYDREAMS), "--cap", "1", "--json")

    def answered(self, more: int, running: subprocess.Popen[str]) -> None:
        """Wait for more answers, or until there may be no more to come: two calls at least are answered for each daydream."""
        goal = min(self.endpoint.witness()["answered"] + more, 2 * DAYDREAMS)
        until(
            lambda: running.poll() is not None or self.endpoint.witness()["answered"] >= goal,
            f"{more} more answers or the end",
            60,
        )

    def kill(self, pid: int) -> None:
        """Kill it; the calls in flight just before or just after may be repeated once for it."""
        before = self.endpoint.open_calls()
        os.kill(pid, signal.SIGKILL)
        for key in before | self.endpoint.open_calls():
            self.in_flight[key] = self.in_flight.get(key, 0) + 1

    def check(self, running: subprocess.Popen[str]) -> None:
        """The run completes, no hypothesis is missing, no answered call was made again, and the ledger knows every call."""
        output, errors = running.communicate(timeout=110)
        assert running.returncode == 0, errors
        assert json.loads(output)["dead_letters"] == 0
        verdicts = self.daydream.json("status")["memory"]["verdicts"]
        assert verdicts == DAYDREAMS
        for key, times in self.endpoint.calls().items():
            assert times <= 1 + self.in_flight.get(key, 0), (
                "only a call that was in flight at a kill is made again, once for each"
            )
        budget, witness = self.daydream.json("budget", "show"), self.endpoint.witness()
        # and those too that were drawn for a worker that died before it could send them
        assert (
            sum(row["calls"] for row in budget["spend"]) + budget["attempts_authorized"]
            >= witness["calls"]
        ), "the ledger counts every call"
        assert (
            witness["cost_nanousd"]
            <= budget["settled_nanousd"] + budget["authorized_nanousd"]
            <= NANO
        )


@pytest.fixture
def chaos(tmp_path: Path):
    with priced_endpoint(tmp_path, delay_s=0.25) as endpoint:
        yield Chaos(Daydream(tmp_path / "user", endpoint, **WHOLE), endpoint)


def test_every_process_may_be_killed_once_in_one_run(chaos: Chaos) -> None:
    running = chaos.start()
    for name in EVERY_PROCESS:
        chaos.answered(4, running)
        known = chaos.daydream.processes()[name]
        chaos.kill(known)
        until(
            lambda known=known, name=name: (
                chaos.daydream.processes().get(name) not in (None, known)
            ),
            f"{name} to be started again",
            30,
        )
    chaos.check(running)


@pytest.mark.slow
def test_the_whole_machine_may_fall_and_the_next_start_goes_on(chaos: Chaos) -> None:
    running = chaos.start()
    chaos.answered(12, running)
    pids = chaos.daydream.processes().values()
    falling = chaos.endpoint.open_calls()
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=20)

    def fallen() -> bool:
        """The orphans end one after the other, and a call may still begin while the server of its answer is gone already."""
        falling.update(chaos.endpoint.open_calls())
        return not [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    until(fallen, "the orphans to end", 60)
    chaos.in_flight = dict.fromkeys(falling, 1)
    chaos.check(chaos.start())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_random_kills_for_as_long_as_it_runs(chaos: Chaos, seed: int) -> None:
    chance = random.Random(seed)
    running = chaos.start()
    for _ in range(KILLS):
        chaos.answered(chance.randint(1, 5), running)
        name = chance.choice(EVERY_PROCESS)
        known = chaos.daydream.processes().get(name)
        if running.poll() is not None or known is None:
            break
        chaos.kill(known)
        until(
            lambda known=known, name=name: (
                running.poll() is not None
                or chaos.daydream.processes().get(name) not in (None, known)
            ),
            "a new start",
            30,
        )
    chaos.check(running)
