"""Upgrade and roll back while work is in progress, with the real code of an earlier version.

States: all roles of the earlier version → streams of today → one role after the other is replaced
by today's, while the others work on → all roles of today → streams of the earlier version → one
after the other back. Each role is stopped in order, as Kubernetes does it. Between two of them the
provider must answer calls, so both versions work side by side on the same messages.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import nats
import pytest

from daydream_console.local.processes import free_port
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.provision_command import provision_at
from daydream_runtime.rpc import RpcClient
from support.ledger_checks import check_nothing_lost_or_paid_twice
from support.previous_version import (
    NoPreviousVersionError,
    PreviousVersion,
    previous_version,
)
from support.programs import NatsServer, priced_endpoint
from support.services import service
from support.whole_system import ROLES, WholeSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LATENCY_S = 0.3
CALLS_BETWEEN = 4  # that the provider answers between two replacements
# as the chart's objects are replaced: the ledger and the gateway first, a stage at a time
ORDER = tuple(ROLES)
PACKAGES = (
    "daydream_contracts",
    "daydream_runtime",
    "daydream_models",
    "daydream_budget",
    "daydream_critic",
    "daydream_memory",
    "daydream_sampler",
    "daydream_synthesizer",
    "daydream_console",
)


class MixedVersions:
    """Says which version a role is started with. At first all are of the earlier one.

    A gateway keeps its port, as the address of a Service stays in a cluster.
    """

    def __init__(self, previous: PreviousVersion) -> None:
        self._previous = previous
        self._ports = {name: str(free_port()) for name in ROLES if name.startswith("gateway")}
        self.present: set[str] = set()

    def run(
        self, name: str, nats_url: str, folder: Path, *, ready: bool, **environment: str
    ) -> AbstractContextManager[Popen[str]]:
        """Start a role."""
        instance = environment["DAYDREAM_INSTANCE"]
        port = self._ports.get(instance, environment["DAYDREAM_HTTP_PORT"])
        start: Callable[..., AbstractContextManager[Popen[str]]] = (
            service if instance in self.present else self._previous.service
        )
        own = {**environment, "DAYDREAM_HTTP_PORT": port}
        return start(name, nats_url, folder, ready=ready, **own)


@pytest.fixture
def previous(tmp_path: Path) -> PreviousVersion:
    try:
        return previous_version(tmp_path / "previous")
    except NoPreviousVersionError as error:
        pytest.skip(f"there is no earlier version to upgrade from: {error}")


@pytest.fixture
def versions(previous: PreviousVersion) -> MixedVersions:
    return MixedVersions(previous)


@pytest.fixture
async def system(
    tmp_path: Path, bare_server: NatsServer, previous: PreviousVersion, versions: MixedVersions
) -> AsyncIterator[WholeSystem]:
    """A system of the earlier version that draws pairs."""
    _provision(previous, bare_server, tmp_path)
    nc = await nats.connect(bare_server.url)
    with priced_endpoint(tmp_path, delay_s=LATENCY_S) as endpoint:
        rpc = RpcClient(nc, patience_s=60)
        running = WholeSystem(bare_server, endpoint, tmp_path, nc, rpc, run=versions.run)
        try:
            await running.start_roles()
            await running.provide()
            await running.draw()
            yield running
        finally:
            running.stack.close()
            await nc.close()


def _provision(previous: PreviousVersion, server: NatsServer, home: Path) -> None:
    done = previous.run("daydream_runtime.provision_command", home, DAYDREAM_NATS_URL=server.url)
    assert done.returncode == 0, done.stderr


async def _replace(system: WholeSystem, name: str) -> None:
    """Stop a role in order, start it again, and let the system work with it."""
    process = system.processes[name]
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 60) == 0, f"{name} does not end in order"
    system.start_role(name)
    await system.until_ready()
    await system.until_answered(CALLS_BETWEEN)


@pytest.mark.fault("F32", invariant="an upgrade and a rollback lose nothing and pay nothing twice")
async def test_an_upgrade_and_a_rollback_with_work_in_progress_lose_nothing(
    tmp_path: Path, system: WholeSystem, previous: PreviousVersion, versions: MixedVersions
) -> None:
    origins = previous.origins(PACKAGES, tmp_path)
    assert all(file.is_relative_to(previous.folder) for file in origins), origins
    await system.until_answered(CALLS_BETWEEN)
    await provision_at(NatsAddress.of(system.servers.urls), 1)
    for name in ORDER:
        versions.present.add(name)
        await _replace(system, name)
    _provision(previous, system.servers, tmp_path)  # type: ignore[arg-type]
    for name in ORDER:
        versions.present.discard(name)
        await _replace(system, name)
    await check_nothing_lost_or_paid_twice(system)
