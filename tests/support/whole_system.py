"""Every role of daydream as its own process, on three NATS servers, with a fake provider.

The ledger and the gateway run twice. The provider is its own process, so its log is evidence
that nothing in the system can change.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import uuid4

import nats
from nats.aio.client import Client

from daydream_console.local.secret_variables import environment_of, stage_keys
from daydream_console.overview import Overview, overview
from daydream_contracts.events import DocumentOffered
from daydream_contracts.grants import CONSOLE, PROVISION
from daydream_contracts.rpc import ChangeBudget, EmptyRequest, SetGoal, SetLimit
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    MEMORY_STATE,
    SAMPLER_GOAL,
    route_of,
)
from daydream_runtime.nats_connection import open_connection
from daydream_runtime.nats_login import NatsLogin
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.provision_command import provision_at
from daydream_runtime.rpc import RpcClient
from support.faulty_broker import FaultyBroker
from support.gateway import write_prices
from support.guarded_server import GuardedServer
from support.nodes import NODES, Nodes
from support.polling import eventually
from support.programs import EndpointProgram, NatsServer, answers
from support.quiescence import daydreams_have_ended, draws_have_ended
from support.services import service

CAP_NANOUSD = 5 * 10**9
FACTS = 60  # 1,770 pairs: more than the tests draw
GOAL_MAX = FACTS * (FACTS - 1) // 2
WORDS = "ice salt river queue wind signal lock market spore tide mirror thread ledger hinge echo"
PATIENCE_S = 90.0
END_S = 180.0  # an authorization whose reply was lost is spent when its time is up
POLL_S = 0.1  # a poll asks every role
# role: its module, what secrets it gets, and through which gateway it asks models
ROLES = {
    "budget-1": ("budget", "budget", ""),
    "budget-2": ("budget", "budget", ""),
    "gateway-1": ("budget.gateway", "gateway", ""),
    "gateway-2": ("budget.gateway", "gateway", ""),
    "memory": ("memory", "memory", "gateway-2"),
    "synthesizer": ("synthesizer", "synthesizer", "gateway-1"),
    "critic": ("critic", "critic", "gateway-2"),
    "oracle": ("critic.oracle", "oracle", "gateway-1"),
    "sampler": ("sampler", "sampler", ""),
    "console": ("console", "console", ""),
}
SETTINGS = {
    "DAYDREAM_MODEL_NAME": "priced-1",
    "DAYDREAM_MODEL_API_KEY": "right",
    "DAYDREAM_MODEL_TIMEOUT_S": "20",
    "DAYDREAM_SAMPLER_PAIRS_MAX": "0",
    "DAYDREAM_SAMPLER_SAME_DOCUMENT": "true",  # the notes are one file
    "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic,oracle",
    "DAYDREAM_CRITIC_PROMOTE_BY": "score",
    "DAYDREAM_CRITIC_PROMOTE_SCORE": "6",
}


RunService = Callable[..., AbstractContextManager[Popen[str]]]  # as `services.service`


@dataclass
class WholeSystem:
    """The running processes, and what each fault allows."""

    servers: Nodes | GuardedServer | NatsServer | FaultyBroker
    endpoint: EndpointProgram
    folder: Path
    nc: Client
    rpc: RpcClient
    login: NatsLogin = field(default_factory=NatsLogin)
    roles: Mapping[str, tuple[str, str, str]] = field(default_factory=lambda: ROLES)
    settings: Mapping[str, str] = field(default_factory=dict)
    run: RunService = service
    processes: dict[str, Popen[str]] = field(default_factory=dict)
    repeats_allowed: Counter[str] = field(default_factory=Counter)
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def nodes(self) -> Nodes:
        """Return the three servers, whose faults tests cause."""
        assert isinstance(self.servers, Nodes)
        return self.servers

    async def start(self) -> None:
        """Make the streams and start all roles."""
        copies = NODES if isinstance(self.servers, Nodes) else 1
        await provision_at(NatsAddress.of(self.servers.urls, self.login.of(PROVISION)), copies)
        await self.start_roles()

    async def start_roles(self) -> None:
        """Start the roles that do not run, the gateways first, and wait until each is ready."""
        gateways = [name for name in self.roles if name.startswith("gateway")]
        for name in gateways:
            if name not in self.processes:
                self.start_role(name)

        async def have_addresses() -> bool:
            return all(map(self._address, gateways))

        await self._eventually(have_addresses, "the gateways do not start")
        for name in self.roles.keys() - self.processes.keys():
            self.start_role(name)
        await self.until_ready()

    def start_role(self, name: str) -> None:
        """Start one role, which may have run before. It need not be ready yet."""
        module, who, gateway = self.roles[name]
        common = {
            **SETTINGS,
            "DAYDREAM_NATS_URL": self.servers.url,
            "DAYDREAM_MODEL_BASE_URL": self.endpoint.url,
            "DAYDREAM_PRICES_FILE": str(write_prices(self.folder)),
            "DAYDREAM_INSTANCE": name,
            "DAYDREAM_HTTP_PORT": self._port(name),
            "DAYDREAM_TENANT": self.login.tenant,
            **self.settings,
            **self.login.of(who).variables(),
        }
        url = f"http://{self._address(gateway)}/v1" if gateway else ""
        own = environment_of(who, common, stage_keys("test"), url)
        folder = self.folder / name
        for log in folder.glob("*.log"):  # the first line of the only log says the address
            log.unlink()
        running = self.run(module, self.servers.url, folder, ready=False, **own)
        self.processes[name] = self.stack.enter_context(running)

    def _port(self, name: str) -> str:
        """Return the port that a role had before, at which others look for it; else any free one,
        since a chosen one may be taken before it is used."""
        address = self._address(name) if name in self.processes else ""
        return address.rpartition(":")[2] or "0"

    def _address(self, name: str) -> str:
        """Return a role's address, which its log says at the start; nothing if it has none yet."""
        log = next((self.folder / name).glob("*.log"))
        lines = log.read_text().splitlines()
        starts = (line for line in lines if line.startswith("{") and line.endswith("}"))
        return str(json.loads(next(starts, "{}")).get("http", ""))

    async def provide(self, facts: int = FACTS, words: str = WORDS) -> None:
        """Give it money, and documents to think about: notes of nine of these words each."""
        change = SetLimit(window="lifetime", cap_nanousd=CAP_NANOUSD)
        request = ChangeBudget(change_id=uuid4().hex, change=change, who="test")
        await self.rpc.request(BUDGET_CHANGE, request)
        offer = _notes(facts, words.split())
        route = route_of(DocumentOffered)
        await self.nc.jetstream().publish(route.subject, offer.model_dump_json().encode())

        async def is_read() -> bool:
            return (await self.rpc.request(MEMORY_STATE, EmptyRequest())).facts >= facts

        await self._eventually(is_read, "the documents are not read")

    async def draw(self, pairs: int = GOAL_MAX) -> None:
        """Let it draw this many pairs in all, or until `finish`."""
        await self.rpc.request(SAMPLER_GOAL, SetGoal(pairs_max=pairs))

    async def until_answered(self, calls: int) -> None:
        """Wait until the provider has answered more calls from now on."""
        goal = await self._answered() + calls

        async def is_reached() -> bool:
            return await self._answered() >= goal

        await self._eventually(is_reached, "the work does not continue")

    async def _answered(self) -> int:
        return (await asyncio.to_thread(self.endpoint.witness))["answered"]

    async def until_ready(self) -> None:
        """Wait until every role says that it is ready. Fail if one has ended."""

        async def is_ready() -> bool:
            states = [await self._state_of(name) for name in self.roles]
            assert not any("ended" in state for state in states), self._described(states)
            return set(states) == {"ready"}

        await self._eventually(is_ready, "not all roles are ready")

    async def _eventually(
        self,
        condition: Callable[[], Awaitable[bool]],
        problem: str,
        patience_s: float = PATIENCE_S,
    ) -> None:
        try:
            await eventually(condition, patience_s, poll_s=POLL_S)
        except TimeoutError:
            states = [await self._state_of(name) for name in self.roles]
            raise AssertionError(f"{problem}: {self._described(states)}") from None

    async def _state_of(self, name: str) -> str:
        process = self.processes.get(name)
        if process is not None and process.poll() is not None:
            return f"ended with {process.returncode}"
        if not (name in self.processes and self._address(name)):
            return "not started"
        return "ready" if await asyncio.to_thread(self.is_ready, name) else "not ready"

    def is_ready(self, name: str) -> bool:
        """Return whether a role says that it is ready."""
        address = self._address(name)
        return bool(address) and answers(f"http://{address}/readyz")

    def _described(self, states: Iterable[str]) -> str:
        roles = ", ".join(
            f"{name}: {state}" for name, state in zip(self.roles, states, strict=True)
        )
        return f"{roles}. Their logs are in {self.folder}"

    def disturb(self) -> None:
        """Allow each call in flight at this moment to be repeated once."""
        self.repeats_allowed.update(self.endpoint.open_calls())

    async def finish(self) -> Overview:
        """Begin no more draws, and return the state when everything that was drawn has ended."""
        js = self.nc.jetstream()

        async def no_draws() -> bool:
            return await draws_have_ended(self.rpc)

        async def no_daydreams() -> bool:
            return await daydreams_have_ended(self.rpc, js)

        await self._eventually(no_draws, "the draws do not end", END_S)
        await self._eventually(no_daydreams, "the work does not end", END_S)
        return await overview(self.rpc, js)


def _notes(count: int, words: Sequence[str]) -> DocumentOffered:
    texts = (
        f"Note {number}: {' '.join(random.Random(number).sample(words, 9))}."
        for number in range(count)
    )
    lines = [json.dumps({"text": text, "title": text.partition(":")[0]}) for text in texts]
    data = "\n".join(lines).encode()
    return DocumentOffered(
        document_id="notes",
        content=base64.b64encode(data),
        source="/notes.jsonl",
        size_bytes=len(data),
        offered_at=datetime.now(UTC),
    )


@asynccontextmanager
async def running_tenant(
    server: GuardedServer, tenant: str, endpoint: EndpointProgram, folder: Path
) -> AsyncIterator[WholeSystem]:
    """Run all roles of a tenant, each with its own user, with money and documents."""
    login = server.login(CONSOLE, tenant)
    nc = await open_connection(NatsAddress.of([server.url], login))
    system = WholeSystem(server, endpoint, folder, nc, RpcClient(nc, patience_s=60), login=login)
    try:
        await system.start()
        await system.provide()
        yield system
    finally:
        system.stack.close()
        await nc.close()


@asynccontextmanager
async def running_system(
    nodes: Nodes | FaultyBroker | NatsServer,
    endpoint: EndpointProgram,
    folder: Path,
    run: RunService = service,
) -> AsyncIterator[WholeSystem]:
    """Run all roles, with money and documents. `run` starts a role."""

    async def ignore(_: Exception) -> None:
        """Ignore errors: servers are killed on purpose."""

    options: dict[str, Any] = {"ping_interval": 1, "max_outstanding_pings": 2}
    nc = await nats.connect(
        nodes.urls, max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=ignore, **options
    )
    system = WholeSystem(nodes, endpoint, folder, nc, RpcClient(nc, patience_s=60), run=run)
    try:
        await system.start()
        await system.provide()
        yield system
    finally:
        system.stack.close()
        await nc.close()
