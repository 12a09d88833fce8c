"""Real faults of a running system: page, command and metric name the right cause.

Each incident is caused in the real services, and undone. Those that take minutes to be seen, or
another start of the system, are states in `tests/unit/console/test_diagnosis.py`.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from daydream_console.cli.connection import running_address
from daydream_console.client import Client, connected
from daydream_console.diagnosis import Cause
from daydream_console.local.folder import DataFolder
from daydream_contracts.events import HypothesisProposed
from daydream_contracts.rpc import (
    BudgetState,
    Change,
    ChangeBudget,
    EmptyRequest,
    Pause,
    RemoveLimit,
    SetGoal,
    SetLimit,
    SetTax,
)
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    BUDGET_STATE,
    LEDGER,
    LEDGER_SUBJECT,
    SAMPLER_GOAL,
    route_of,
)
from support.programs import Daydream, EndpointProgram, priced_endpoint, until

SEEN_S = 60.0
DOLLAR = 1_000_000_000
BURST = 6


class BrokenSystem:
    """A running system, and the faults that it can have."""

    def __init__(self, daydream: Daydream, endpoint: EndpointProgram) -> None:
        self.daydream, self.endpoint = daydream, endpoint
        address = DataFolder(daydream.data).read("running.json")
        self.page = address["console_url"]
        console = psutil.Process(daydream.processes()["console"])
        ports = {each.laddr.port for each in console.net_connections() if each.status == "LISTEN"}
        (self.health_port,) = ports - {httpx.URL(self.page).port}

    def named_by_page(self) -> tuple[str, str]:
        """Return the cause that every page shows, and its sentence."""
        fragment = httpx.get(f"{self.page}fragments/diagnosis", trust_env=False, timeout=20).text
        return fragment.partition('data-cause="')[2].partition('"')[0], fragment

    def named_by_metric(self) -> str:
        url = f"http://127.0.0.1:{self.health_port}/metrics"
        lines = httpx.get(url, trust_env=False, timeout=20).text.splitlines()
        rows = [line for line in lines if line.startswith("daydream_loop_cause{")]
        (present,) = (row for row in rows if row.endswith(" 1.0"))
        return present.partition('cause="')[2].partition('"')[0]

    def goal(self, pairs: int | None) -> None:
        self.daydream.request(SAMPLER_GOAL, SetGoal(pairs_max=pairs))

    def change(self, change: Change) -> None:
        wanted = ChangeBudget(change_id=uuid4().hex, change=change, who="ada", why="holidays")
        answer = self.daydream.request(BUDGET_CHANGE, wanted)
        assert answer.refusal is None, answer.refusal

    def budget(self) -> BudgetState:
        return self.daydream.request(BUDGET_STATE, EmptyRequest())

    def nats(self, user: str, work: Callable[[Client], Any]) -> None:
        """Do this with a connection of a service's user."""
        address = running_address(DataFolder(self.daydream.data))
        assert address is not None
        address = replace(address, login=address.login.of(user))

        async def connect() -> None:
            async with connected(address) as client:
                await work(client)

        asyncio.run(connect())

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """Stop a process without ending it: it holds its connections and answers nothing."""
        process = self.daydream.processes()[service]
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.change(Pause(paused=True))
        yield
        self.change(Pause(paused=False))

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Put a message into the ledger that is no commit."""
        self.nats("budget", lambda client: client.js.publish(LEDGER_SUBJECT, b"{}", stream=LEDGER))
        yield
        done = self.daydream("budget", "repair", "--yes", "--why", "a test")
        assert done.returncode == 0, done.stderr

    @contextmanager
    def dead_letters(self) -> Iterator[None]:
        route = route_of(HypothesisProposed)

        async def send(client: Client) -> None:
            for _ in range(BURST):
                await client.js.publish(route.subject, b'{"version": 9}', stream=route.stream)

        self.nats("synthesizer", send)
        yield
        numbers = [str(row["number"]) for row in self.daydream.items("dead-letters", "list")]
        done = self.daydream("dead-letters", "drop", *numbers, "--yes", "--why", "a test")
        assert done.returncode == 0, done.stderr

    @contextmanager
    def drawing_without_a_cap(self) -> Iterator[None]:
        self.change(RemoveLimit(window="lifetime"))
        with self._drawing():
            yield
        self.change(SetLimit(window="lifetime", cap_nanousd=DOLLAR))

    @contextmanager
    def drawing_at_the_cap(self) -> Iterator[None]:
        self.change(SetLimit(window="lifetime", cap_nanousd=self.budget().settled_nanousd))
        with self._drawing():
            yield
        self.change(SetLimit(window="lifetime", cap_nanousd=DOLLAR))

    @contextmanager
    def drawing_above_the_tax(self) -> Iterator[None]:
        usage = {"id": "one-call", "cost_usd": "0.0000001"}
        url = f"{self.page}api/v1/foreground"
        assert httpx.post(url, json=usage, trust_env=False).status_code == httpx.codes.ACCEPTED
        self.change(SetTax(ratio=0.5))
        with self._drawing():
            yield
        self.change(SetTax(ratio=None))

    @contextmanager
    def drawing_with_a_wrong_key(self) -> Iterator[None]:
        self.endpoint.misbehave(status=401)
        with self._drawing():
            yield
        self.endpoint.misbehave()

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        self.goal(None)
        yield
        self.goal(0)


Fault = Callable[[BrokenSystem], AbstractContextManager[None]]
INCIDENTS: dict[Cause, tuple[str, Fault]] = {
    Cause.MEMORY_AWAY: ("memory does not answer", lambda system: system.frozen("memory")),
    Cause.BUDGET_AWAY: ("budget does not answer", lambda system: system.frozen("budget")),
    Cause.GATEWAY_AWAY: ("gateway does not answer", lambda system: system.frozen("gateway")),
    Cause.SAMPLER_AWAY: ("sampler does not answer", lambda system: system.frozen("sampler")),
    Cause.NATS_AWAY: ("NATS does not answer", lambda system: system.frozen("nats")),
    Cause.PAUSED: ("paused by ada: holidays", BrokenSystem.paused),
    Cause.LEDGER_HALTED: ("The ledger is halted", BrokenSystem.halted),
    Cause.DEAD_LETTERS: (f"{BURST} messages failed for good", BrokenSystem.dead_letters),
    Cause.NO_CAP: ("No cap is set", BrokenSystem.drawing_without_a_cap),
    Cause.CAP_USED_UP: ("for all time is used up", BrokenSystem.drawing_at_the_cap),
    Cause.TAX_REACHED: ("daydreaming tax is reached", BrokenSystem.drawing_above_the_tax),
    Cause.MODEL_STOPPED: ("refuses every call", BrokenSystem.drawing_with_a_wrong_key),
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokenSystem]:
    """Run everything until two daydreams are paid for; then the goal is reached."""
    folder = tmp_path_factory.mktemp("incidents")
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(folder / "user", endpoint, DAYDREAM_SAMPLER_PAIRS_AHEAD="2")
        assert daydream("run", "-n", "2", "--cap", "1").returncode == 0
        with daydream.up(draws=True) as running:
            broken = BrokenSystem(running, endpoint)
            drawing = "the system to draw, after which the command sets no goal any more"
            until(lambda: broken.named_by_page()[0] == Cause.WORKING, drawing, SEEN_S, 0.5)
            broken.goal(0)
            yield broken


def test_a_system_at_its_goal_says_so(system: BrokenSystem) -> None:
    see(system, Cause.GOAL_REACHED, "The goal is reached")


@pytest.mark.parametrize("cause", INCIDENTS, ids=lambda cause: cause.value)
def test_page_command_and_metric_name_the_cause(system: BrokenSystem, cause: Cause) -> None:
    words, fault = INCIDENTS[cause]
    with fault(system):
        see(system, cause, words)
    until(lambda: system.named_by_page()[0] != cause, "the end of the incident", SEEN_S, 0.5)


def see(system: BrokenSystem, cause: Cause, words: str) -> None:
    """Wait until the page names the cause, and compare what the others say."""
    until(lambda: system.named_by_page()[0] == cause, f"{cause} on the page", SEEN_S, 0.5)
    assert words in system.named_by_page()[1]
    until(lambda: system.named_by_metric() == cause, f"{cause} in the metric", SEEN_S, 0.5)
    if cause is not Cause.NATS_AWAY:  # without NATS the command says that it can't connect
        diagnosis = system.daydream.json("status")["diagnosis"]
        assert (diagnosis["cause"], words in diagnosis["text"]) == (cause, True)
