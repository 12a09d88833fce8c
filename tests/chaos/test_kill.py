"""Kill processes during a run: nothing is lost, and no answered call is paid twice.

The endpoint's own log is the evidence.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.programs import Daydream, EndpointProgram, priced_endpoint, until

DAYDREAMS, DAYDREAMS_SHORT = 24, 6
KILLS = 8
# everything that costs money: an oracle for what would be promoted, and canaries
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
ONE_OF_EACH_KIND = ("critic", "budget", "nats")  # a stage, the ledger, and what joins them


class Chaos:
    """A run, and the calls in flight at each kill."""

    def __init__(self, daydream: Daydream, endpoint: EndpointProgram, daydreams: int) -> None:
        self.daydream = daydream
        self.endpoint = endpoint
        self.daydreams = daydreams
        self.in_flight: dict[str, int] = {}

    def start(self) -> subprocess.Popen[str]:
        return self.daydream.start("run", "-n", str(self.daydreams), "--cap", "1", "--json")

    def wait_for_answers(self, count: int, running: subprocess.Popen[str]) -> None:
        """Wait for more answers, or until there may be no more: each daydream has at least two."""
        goal = min(self.endpoint.witness()["answered"] + count, 2 * self.daydreams)
        until(
            lambda: running.poll() is not None or self.endpoint.witness()["answered"] >= goal,
            f"{count} more answers or the end",
            60,
        )

    def kill(self, pid: int) -> None:
        """Kill a process. The calls in flight before or after may each be repeated once."""
        before = self.endpoint.open_calls()
        os.kill(pid, signal.SIGKILL)
        for key in before | self.endpoint.open_calls():
            self.in_flight[key] = self.in_flight.get(key, 0) + 1

    def check(self, running: subprocess.Popen[str]) -> None:
        """Assert that the run completes, no verdict is missing, no answered call was repeated, and
        the ledger has every call.
        """
        output, errors = running.communicate(timeout=110)
        assert running.returncode == 0, errors
        result = json.loads(output)
        assert result["dead_letters"] == 0
        assert result["verdicts"] == self.daydreams
        for key, times in self.endpoint.calls().items():
            assert times <= 1 + self.in_flight.get(key, 0), (
                "a call is repeated only if it was in flight at a kill, once per kill"
            )
        budget, witness = result["budget"], self.endpoint.witness()
        # including those authorized for a worker that was killed before it could send them
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
def chaos(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Chaos]:
    """A run of `DAYDREAMS`, or of the parameter."""
    daydreams = getattr(request, "param", DAYDREAMS)
    with priced_endpoint(tmp_path, delay_s=0.25) as endpoint:
        yield Chaos(Daydream(tmp_path / "user", endpoint, **WHOLE), endpoint, daydreams)


def _is_restarted(chaos: Chaos, name: str, pid: int) -> bool:
    return chaos.daydream.processes().get(name) not in (None, pid)


def _is_over_or_restarted(
    running: subprocess.Popen[str], chaos: Chaos, name: str, pid: int
) -> bool:
    return running.poll() is not None or _is_restarted(chaos, name, pid)


def kill_each(chaos: Chaos, names: tuple[str, ...], answers_between: int) -> None:
    running = chaos.start()
    for name in names:
        chaos.wait_for_answers(answers_between, running)
        pid = chaos.daydream.processes()[name]
        chaos.kill(pid)
        until(partial(_is_restarted, chaos, name, pid), f"a restart of {name}", 30)
    chaos.check(running)


@pytest.mark.parametrize("chaos", [DAYDREAMS_SHORT], indirect=True)
@pytest.mark.fault(
    "F1 F2 F4", invariant="each daydream has its verdict, and no answered call is repeated"
)
def test_a_short_run_survives_a_kill_of_a_stage_of_the_ledger_and_of_nats(chaos: Chaos) -> None:
    kill_each(chaos, ONE_OF_EACH_KIND, 2)


@pytest.mark.slow
@pytest.mark.fault(
    "F1 F4 F38", invariant="every process is killed once: each daydream has its verdict"
)
def test_a_run_survives_one_kill_of_every_process(chaos: Chaos) -> None:
    kill_each(chaos, EVERY_PROCESS, 4)


@pytest.mark.slow
@pytest.mark.fault(
    "F1 F17", invariant="the next start continues the run, and pays for no answered call again"
)
def test_the_next_start_continues_after_a_crash_of_the_whole_machine(chaos: Chaos) -> None:
    running = chaos.start()
    chaos.wait_for_answers(12, running)
    pids = chaos.daydream.processes().values()
    in_flight = chaos.endpoint.open_calls()
    os.kill(running.pid, signal.SIGKILL)
    running.communicate(timeout=20)

    def have_ended() -> bool:
        """The orphans end one after the other. A call may still begin after NATS has ended."""
        in_flight.update(chaos.endpoint.open_calls())
        return not [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    until(have_ended, "the orphans to end", 60)
    chaos.in_flight = dict.fromkeys(in_flight, 1)
    chaos.check(chaos.start())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.fault(
    "F1 F4", invariant="eight kills at random moments: each daydream has its verdict"
)
def test_a_run_survives_random_kills(chaos: Chaos, seed: int) -> None:
    chance = random.Random(seed)
    running = chaos.start()
    for _ in range(KILLS):
        chaos.wait_for_answers(chance.randint(1, 5), running)
        name = chance.choice(EVERY_PROCESS)
        pid = chaos.daydream.processes().get(name)
        if running.poll() is not None or pid is None:
            break
        chaos.kill(pid)
        until(
            partial(_is_over_or_restarted, running, chaos, name, pid),
            f"a restart of {name}",
            30,
        )
    chaos.check(running)
