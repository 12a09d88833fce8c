"""Three NATS servers that form one JetStream cluster, and the faults that they can have.

The cluster's own reports are the events that a test waits for: who leads a stream, whom the leader
has had no message for how long, and whether every copy of every stream is current.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daydream_console.local.http_get import get
from daydream_console.local.nats_program import nats_server
from daydream_console.local.processes import free_port
from support.polling import eventually

NODES = 3
ELECTION_S = 9.0  # the longest time after which a follower of nats-server 2.15 becomes a candidate
HEARD_S = 3.0  # a leader sends a heartbeat every second
HEAL_S = 90.0  # for an election, and for the copies to be current again
STOP_S = 30.0
POLL_S = 0.1  # a poll asks every server
NS = 10**9
CONFIG = """\
server_name: {name}
host: 127.0.0.1
port: {port}
http: "127.0.0.1:{monitor}"
max_payload: 8MB
jetstream {{ store_dir: "{store}", sync_interval: always }}
cluster {{
  name: daydream
  listen: "127.0.0.1:{route}"
  routes: [{routes}]
}}
"""


@dataclass
class Node:
    """One server. It keeps its ports and its folder when it is started again."""

    name: str
    folder: Path
    port: int = field(default_factory=free_port)
    monitor: int = field(default_factory=free_port)
    route: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server. It need not be ready yet."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            command = [str(nats_server()), "-c", str(self.folder / f"{self.name}.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server."""
        assert self.process is not None
        os.kill(self.process.pid, number)

    async def end(self, number: signal.Signals) -> None:
        """End the server by a signal, and wait for its end."""
        self.send(number)
        assert self.process is not None
        await asyncio.to_thread(self.process.wait, STOP_S)

    async def clients(self) -> int:
        """Return how many connections of clients it has."""
        return int((await self.report("connz")).get("num_connections", 0))

    async def report(self, page: str) -> dict[str, Any]:
        """Return a page of its monitoring; nothing if it does not answer."""
        url = f"http://127.0.0.1:{self.monitor}/{page}"
        try:
            content: dict[str, Any] = json.loads(await asyncio.to_thread(get, url, timeout_s=2))
        except (OSError, ValueError):
            return {}
        return content


@dataclass
class Nodes:
    """The servers by name."""

    nodes: dict[str, Node]

    @property
    def urls(self) -> list[str]:
        """Return the addresses for clients."""
        return [f"nats://127.0.0.1:{node.port}" for node in self.nodes.values()]

    @property
    def url(self) -> str:
        """Return the addresses as a setting."""
        return ",".join(self.urls)

    def others(self, *names: str) -> list[Node]:
        """Return the servers without the named ones."""
        return [node for name, node in self.nodes.items() if name not in names]

    async def leader(self, stream: str, among: Sequence[Node] = ()) -> str:
        """Return the name of the server that leads a stream, as soon as these agree on one."""
        seen = ""

        async def is_led() -> bool:
            nonlocal seen
            copies = [await _copies(node) for node in among or self.nodes.values()]
            leaders = {copy[stream].get("leader", "") for copy in copies if stream in copy}
            seen = leaders.pop() if len(leaders) == 1 else ""
            asked = {node.name for node in among} or set(self.nodes)
            return seen in asked

        await eventually(is_led, HEAL_S, poll_s=POLL_S)
        return seen

    async def until_passed_over(self, name: str) -> None:
        """Wait until a frozen server leads nothing, and was unheard for longer than an election."""

        async def is_passed_over() -> bool:
            unheard_ns = [0]
            for node in self.others(name):
                for copy in (await _copies(node)).values():
                    if copy.get("leader", "") in ("", name):
                        return False
                    unheard_ns += [
                        peer["active"]
                        for peer in copy.get("replicas", [])
                        if peer["name"] == name and copy["leader"] == node.name
                    ]
            return max(unheard_ns) > ELECTION_S * NS

        await eventually(is_passed_over, HEAL_S, poll_s=POLL_S)

    async def until_without_quorum(self, node: Node) -> None:
        """Wait until a server knows that it is alone."""

        async def is_alone() -> bool:
            report = await node.report("jsz")
            return bool(report) and not report.get("meta_cluster", {}).get("leader")

        await eventually(is_alone, HEAL_S, poll_s=POLL_S)

    async def until_whole(self) -> None:
        """Wait until every stream has a leader whose followers are current, on all servers."""

        async def is_whole() -> bool:
            led: set[str] = set()
            for node in self.nodes.values():
                if (await node.report("healthz")).get("status") != "ok":
                    return False
                for stream, copy in (await _copies(node)).items():
                    if copy.get("leader") == node.name:
                        led.add(stream)
                        if not _is_current(copy):
                            return False
            report = await next(iter(self.nodes.values())).report("jsz")
            return bool(len(led) == report.get("streams"))

        await eventually(is_whole, HEAL_S, poll_s=POLL_S)

    def kill(self) -> None:
        """End all servers, also frozen ones."""
        for node in self.nodes.values():
            if node.process is not None and node.process.poll() is None:
                node.process.kill()
                node.process.wait()


def _is_current(copy: dict[str, Any]) -> bool:
    followers = copy.get("replicas", [])
    return len(followers) == NODES - 1 and all(
        peer["current"] and not peer.get("lag") and peer["active"] < HEARD_S * NS
        for peer in followers
    )


async def _copies(node: Node) -> dict[str, dict[str, Any]]:
    """Return what a server knows of its copy of each stream, by the stream's name."""
    report = await node.report("jsz?streams=true")
    return {
        stream["name"]: stream.get("cluster") or {}
        for account in report.get("account_details", [])
        for stream in account.get("stream_detail") or []
    }


def _configured(folder: Path) -> Nodes:
    folder.mkdir(parents=True, exist_ok=True)
    nodes = [Node(f"nats-{number}", folder) for number in range(NODES)]
    routes = ", ".join(f'"nats://127.0.0.1:{node.route}"' for node in nodes)
    for node in nodes:
        (folder / f"{node.name}.conf").write_text(
            CONFIG.format(
                name=node.name,
                port=node.port,
                monitor=node.monitor,
                route=node.route,
                store=folder / node.name,
                routes=routes,
            )
        )
    return Nodes({node.name: node for node in nodes})


@asynccontextmanager
async def running_nodes(folder: Path) -> AsyncIterator[Nodes]:
    """Run the servers, from the moment when JetStream answers on all of them."""
    nodes = _configured(folder)
    try:
        for node in nodes.nodes.values():
            node.start()
        await nodes.until_whole()
        yield nodes
    finally:
        nodes.kill()
