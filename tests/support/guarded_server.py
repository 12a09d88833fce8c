"""A real NATS server on which each service has its own user, as `daydream-nats-users` writes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from nats.aio.client import Client

from daydream_contracts.grants import PROVISION
from daydream_contracts.tenant import DAYDREAM
from daydream_runtime.nats_login import NatsLogin
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.nats_users import USERS_FILE, write_users
from daydream_runtime.provision_command import provision_at
from support.programs import NatsServer


class GuardedServer(NatsServer):
    """A server with users. `change` edits the list of users before the server reads it."""

    def __init__(
        self,
        folder: Path,
        tenants: Iterable[str] = (DAYDREAM,),
        change: Callable[[str], str] = str,
    ) -> None:
        self.keys, self.tenants = folder / "keys", tuple(tenants)
        listed = write_users(self.keys, self.tenants)
        listed.write_text(change(listed.read_text()))
        super().__init__(folder, settings=f'authorization {{ include "keys/{USERS_FILE}" }}')

    def login(self, service: str, tenant: str = DAYDREAM) -> NatsLogin:
        """Return what a service of a tenant connects with."""
        folder = self.keys if tenant == DAYDREAM else self.keys / tenant
        return NatsLogin(service, tenant, folder / f"{service}.nk")

    def address(self, service: str, tenant: str = DAYDREAM) -> NatsAddress:
        """Return the server's address for a service of a tenant."""
        return NatsAddress.of([self.url], self.login(service, tenant))

    def provision(self) -> None:
        """Make the streams of each tenant, with its user for that."""
        for tenant in self.tenants:
            asyncio.run(provision_at(self.address(PROVISION, tenant), 1))

    @asynccontextmanager
    async def raw(
        self, service: str, refused: list[str], tenant: str = DAYDREAM
    ) -> AsyncIterator[Client]:
        """Connect with a service's key and a plain client, as a foreign program would.

        `refused` gets the server's complaints.
        """

        async def note(error: Exception) -> None:
            refused.append(str(error))

        options = self.address(service, tenant).options()
        client = await nats.connect(**options, error_cb=note, allow_reconnect=False)
        try:
            yield client
        finally:
            await client.close()
