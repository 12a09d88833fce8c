"""One NATS server whose connections and disk can fail. Services reach it through a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.programs import NatsServer
from support.small_disk import SmallDisk, small_disk
from support.tcp_proxy import TcpProxy, tcp_proxy

DISK_MB = 192
FILES_MAX = "20GB"  # the maxima of the streams add up to less


@dataclass
class FaultyBroker:
    """The server, its proxy, and its disk, which is None where a small one is not allowed."""

    server: NatsServer
    proxy: TcpProxy
    disk: SmallDisk | None

    @property
    def url(self) -> str:
        """Return the address for services."""
        return self.proxy.url

    @property
    def urls(self) -> list[str]:
        """Return the address for the test itself, which no fault of the network hits."""
        return [self.server.url]

    async def kill(self) -> None:
        """Kill the server."""
        await asyncio.to_thread(self.server.kill)

    async def start(self) -> None:
        """Start the server, and wait until it answers."""
        await asyncio.to_thread(self.server.start)


@asynccontextmanager
async def faulty_broker(folder: Path) -> AsyncIterator[FaultyBroker]:
    """Run a server in a folder. It syncs what it acknowledges, as in production."""
    with small_disk(folder / "disk", DISK_MB) as disk:
        server = NatsServer(
            folder, sync_always=True, disk=disk, files_max=FILES_MAX if disk else ""
        )
        server.start()
        try:
            async with tcp_proxy(server.port) as proxy:
                yield FaultyBroker(server, proxy, disk)
        finally:
            server.kill()
