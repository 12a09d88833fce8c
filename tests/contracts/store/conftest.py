"""The stores that the contract tests run on: the built-in ones, and all that are installed.

Each module here tests one part of a store. A package that offers a store by an entry point in the
group `daydream.stores` is tested by installing it and running `pytest tests/contracts/store`; `-k`
with the store's name selects it. Its settings come from the environment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import nats
import pytest
from nats.js.api import KeyValueConfig
from nats.js.kv import KeyValue

from daydream_memory.settings import MemorySettings, WeaviateSettings
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.store import Store
from daydream_memory.store.registry import (
    SQLITE,
    WEAVIATE,
    StoreContext,
    store_names,
    store_opener,
)
from daydream_memory.weaviate import open_weaviate_store
from daydream_memory.weaviate.connection import connect
from daydream_memory.weaviate.schema import SCHEMAS
from support.fake_weaviate import fake_weaviate_process
from support.programs import NatsServer
from support.reopenable import OpenIn, Reopenable
from support.store_cases import MODEL
from support.weaviate_server import WHY_NOT, running_weaviate

StoreFactory = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[OpenIn]]


@pytest.fixture(scope="session")
def weaviate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WeaviateSettings | None]:
    with running_weaviate(tmp_path_factory.mktemp("weaviate")) as settings:
        yield settings


@pytest.fixture(scope="session")
def fake() -> Iterator[WeaviateSettings]:
    with fake_weaviate_process() as settings:
        yield settings


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server.url
    server.kill()


@asynccontextmanager
async def bucket(request: pytest.FixtureRequest) -> AsyncIterator[KeyValue]:
    nc = await nats.connect(request.getfixturevalue("broker"))
    yield await nc.jetstream().create_key_value(KeyValueConfig(bucket="memory"))
    await nc.close()


@asynccontextmanager
async def sqlite_stores(_: pytest.FixtureRequest) -> AsyncIterator[OpenIn]:
    async def open_in(folder: Path, model: str) -> Store:
        return open_sqlite_store(folder, model)

    yield open_in


def weaviate_stores(fixture: str) -> StoreFactory:
    """Give each test its own tenant, which is its own store."""

    @asynccontextmanager
    async def stores(request: pytest.FixtureRequest) -> AsyncIterator[OpenIn]:
        server: WeaviateSettings | None = request.getfixturevalue(fixture)
        if server is None:
            pytest.skip(WHY_NOT)
        settings = server.model_copy(update={"tenant": uuid4().hex, "prefix": "Contract"})
        async with bucket(request) as shared:

            async def open_in(_: Path, model: str) -> Store:
                return await open_weaviate_store(settings, shared, model)

            yield open_in
        if fixture == "weaviate":  # each tenant holds files open
            await delete_tenant(settings)

    return stores


def installed_stores(name: str) -> StoreFactory:
    """Open the store of another package in the test's folder."""

    @asynccontextmanager
    async def stores(request: pytest.FixtureRequest) -> AsyncIterator[OpenIn]:
        async with bucket(request) as shared:

            async def open_in(folder: Path, model: str) -> Store:
                settings = MemorySettings(store=name, folder=str(folder))
                return await store_opener(name)(StoreContext(settings, model, shared))

            yield open_in

    return stores


async def delete_tenant(settings: WeaviateSettings) -> None:
    client = await connect(settings)
    for schema in SCHEMAS:
        collection = client.collections.use(settings.prefix + schema.name)
        await collection.tenants.remove([settings.tenant])
    await client.close()


STORES: dict[str, StoreFactory] = {
    SQLITE: sqlite_stores,
    WEAVIATE: weaviate_stores("weaviate"),
    "fake-weaviate": weaviate_stores("fake"),
    **{name: installed_stores(name) for name in store_names() if name not in (SQLITE, WEAVIATE)},
}


@pytest.fixture(params=sorted(STORES))
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reopenable]:
    folder = tmp_path / "store"
    folder.mkdir()
    async with STORES[request.param](request) as open_in:
        reopenable = Reopenable(open_in, folder, await open_in(folder, MODEL))
        yield reopenable
        await reopenable.store.close()


@pytest.fixture
def store(opened: Reopenable) -> Store:
    return opened.store
