"""Hundreds of readers of the live events, some of which never read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from nats.aio.client import Client

from daydream_console.local.processes import free_port
from daydream_console.web.event_log import QUEUE_MAX
from daydream_contracts.events import VerdictReached
from daydream_contracts.topology import route_of
from support.polling import eventually
from support.programs import NatsServer, answers
from support.services import service

EXAMPLE = Path(__file__).parents[1] / "contracts" / "messages" / "VerdictReached.v1.json"
READERS, SILENT = 200, 3
ROUNDS, ROUND = 8, QUEUE_MAX // 2
TITLE = "Wherever salt is scarce, markets should grow. " * 20
GROWTH_MB_MAX = 60.0
RECEIVED_BYTES_MAX = 2048  # before a silent reader's connection is full
PATIENCE_S = 60.0
DATA = b"\ndata: "

pytestmark = pytest.mark.slow  # the readers need a machine that does little else


@dataclass
class EventReader:
    """A connection to the live events, and what came through it."""

    port: int
    seen: int = 0
    last: bytes = b""
    connection: socket.socket = field(default_factory=socket.socket)

    async def open(self, *, receive_bytes: int = 0) -> None:
        """Connect and ask for the events."""
        if receive_bytes:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.connection, ("127.0.0.1", self.port))
        request = b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n"
        await loop.sock_sendall(self.connection, request)

    async def read(self) -> None:
        """Count the events that come, until the connection ends."""
        while piece := await asyncio.get_running_loop().sock_recv(self.connection, 2**18):
            text = self.last + piece
            self.seen += text.count(DATA)
            self.last = text[1 - len(DATA) :]


@pytest.fixture
async def console(server: NatsServer, tmp_path: Path) -> AsyncIterator[tuple[int, psutil.Process]]:
    """A console: the port of its pages, and its process."""
    port = free_port()
    own = {"DAYDREAM_CONSOLE_WEB_PORT": str(port)}
    with service("console", server.url, tmp_path, ready=False, **own) as process:
        url = f"http://127.0.0.1:{port}/api/v1/events/latest"
        await eventually(lambda: asyncio.to_thread(answers, url), PATIENCE_S)
        yield port, psutil.Process(process.pid)


@pytest.mark.fault(
    "F29", invariant="200 readers get every event, and 3 that never read cost little"
)
async def test_hundreds_of_readers_get_every_event_beside_some_that_never_read(
    nc: Client, console: tuple[int, psutil.Process]
) -> None:
    port, process = console
    readers = [EventReader(port) for _ in range(READERS)]
    silent = [EventReader(port) for _ in range(SILENT)]
    await asyncio.gather(*(reader.open() for reader in readers))
    await asyncio.gather(*(reader.open(receive_bytes=RECEIVED_BYTES_MAX) for reader in silent))
    reading = [asyncio.create_task(reader.read()) for reader in readers]
    await publish(nc, 0)
    await until_all_have_seen(readers, ROUND)
    before = process.memory_info().rss
    for number in range(1, ROUNDS):
        await publish(nc, number)
        await until_all_have_seen(readers, (number + 1) * ROUND)
    assert (process.memory_info().rss - before) / 1e6 < GROWTH_MB_MAX
    for task in reading:
        task.cancel()
    for reader in (*readers, *silent):
        reader.connection.close()


async def publish(nc: Client, number: int) -> None:
    """Publish a round of events: fewer than a reader's queue holds."""
    example = VerdictReached.model_validate_json(EXAMPLE.read_text())
    synthesis = example.hypothesis.synthesis
    assert synthesis is not None
    titled = synthesis.model_copy(update={"title": TITLE[:500]})
    hypothesis = example.hypothesis.model_copy(update={"synthesis": titled})
    for at in range(ROUND):
        update = {"verdict_id": f"v {number} {at}", "hypothesis": hypothesis}
        verdict = example.model_copy(update=update)
        subject = route_of(VerdictReached).subject
        await nc.jetstream().publish(subject, verdict.model_dump_json().encode())


async def until_all_have_seen(readers: list[EventReader], count: int) -> None:
    await eventually(lambda: min(reader.seen for reader in readers) >= count, PATIENCE_S)
    assert max(reader.seen for reader in readers) == count, "each event comes once"
