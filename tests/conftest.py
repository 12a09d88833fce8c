"""Fixtures for several folders. Tests get a real NATS server: it starts in a tenth of a second."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nats
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as property_settings
from nats.aio.client import Client

from support.programs import EndpointProgram, NatsServer, priced_endpoint

pytest_plugins = ("support.fault_results",)

HERE = Path(__file__).parent
AS_PROCESSES = ("e2e", "chaos", "processes")
LONG_FIRST = (*AS_PROCESSES, "integration")
MARK_OF_FOLDER = {
    **dict.fromkeys(AS_PROCESSES, "e2e"),
    "deploy": "deploy",
    "browser": "browser",
    "cluster": "cluster",
    "images": "images",
}

# `make test` tries few cases of each property, in each run the same; `make test-properties` tries
# many, in each run others. No case has a time limit: the machine may be busy.
property_settings.register_profile(
    "few",
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
property_settings.register_profile(
    "many", max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck)
)
property_settings.load_profile("few")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import what will not be run: each process that runs tests would do so."""
    mark = MARK_OF_FOLDER.get(collection_path.name)
    if mark is None or collection_path.parent != HERE:
        return None
    return f"not {mark}" in config.option.markexpr or None


@pytest.hookimpl(tryfirst=True)  # before items are deselected by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the folders that have their own target, and begin with the folders of long tests.

    A long test that runs last runs alone, on one core of two.
    """
    for item in items:
        for folder in (*AS_PROCESSES, "deploy"):
            if item.path.is_relative_to(HERE / folder):
                item.add_marker(MARK_OF_FOLDER[folder])

    def is_short(item: pytest.Item) -> list[bool]:
        return [not item.path.is_relative_to(HERE / folder) for folder in LONG_FIRST]

    items.sort(key=is_short)


@pytest.fixture
def bare_server(tmp_path: Path) -> Iterator[NatsServer]:
    """A fresh NATS server with JetStream, without streams."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(bare_server: NatsServer) -> NatsServer:
    """A fresh NATS server with the streams, consumers and buckets of the table."""
    bare_server.provision()
    return bare_server


@pytest.fixture
async def nc(server: NatsServer) -> AsyncIterator[Client]:
    """A connection to the server."""

    async def quiet(_: Exception) -> None: ...

    client = await nats.connect(
        server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=quiet
    )
    yield client
    await client.close()


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[EndpointProgram]:
    """The priced endpoint, which answers at once."""
    with priced_endpoint(tmp_path) as running:
        yield running
