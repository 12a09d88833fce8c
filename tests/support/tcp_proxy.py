"""A TCP proxy that makes a network bad: slow, silent, or cut.

It runs in the event loop of the test. Connections go to one address.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

PIECE_BYTES = 16_384


@dataclass
class TcpProxy:
    """The proxy, and what it does to bytes from now on.

    `latency_s` is added to each piece and direction, `bytes_per_s` limits each connection.
    """

    target: int
    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    port: int = 0
    _passing: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _is_refusing: bool = False

    @property
    def url(self) -> str:
        """Return its address as that of a NATS server."""
        return f"nats://127.0.0.1:{self.port}"

    def partition(self) -> None:
        """Pass nothing on. Connections stay open, and new ones get no answer."""
        self._passing.clear()

    def heal(self) -> None:
        """Pass everything on, also what was held back meanwhile, without delay."""
        self.latency_s = self.bytes_per_s = 0.0
        self._is_refusing = False
        self._passing.set()

    def refuse(self) -> None:
        """Close every connection, and each new one at once."""
        self._is_refusing = True
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on until either side ends it."""
        self._writers.add(writer)
        try:
            if self._is_refusing:
                return
            far_reader, far = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(far)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far))
                group.create_task(self._pass(far_reader, writer))
            self._writers.discard(far)
        except (OSError, ExceptionGroup, asyncio.CancelledError):
            pass  # the server is away, as if nothing listened; or the proxy ends
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            while piece := await reader.read(PIECE_BYTES):
                await asyncio.sleep(self._delay_s(len(piece)))
                await self._passing.wait()
                writer.write(piece)
                await writer.drain()

    def _delay_s(self, size: int) -> float:
        return self.latency_s + (size / self.bytes_per_s if self.bytes_per_s else 0.0)


@asynccontextmanager
async def tcp_proxy(target: int) -> AsyncIterator[TcpProxy]:
    """Run a proxy before a port of this machine."""
    proxy = TcpProxy(target)
    proxy.heal()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.refuse()
        server.close()
