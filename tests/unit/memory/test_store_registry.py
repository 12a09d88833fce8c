"""Which store is opened: the bundled ones, and those of other packages."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, cast

import pytest
from nats.js.kv import KeyValue

from daydream_contracts.errors import ConfigurationError
from daydream_memory.settings import MemorySettings, WeaviateSettings
from daydream_memory.sqlite import open_sqlite_store
from daydream_memory.store import Store
from daydream_memory.store.registry import GROUP, StoreContext, open_store, store_name
from daydream_runtime import plugins

NO_BUCKET = cast(KeyValue, None)


async def open_beside(context: StoreContext) -> Store:
    """Open the SQLite store in another folder, as a package's store."""
    return open_sqlite_store(Path(context.settings.folder) / "beside", context.embedding_model)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that offers the store "beside". No package is installed in this test."""
    point = EntryPoint("beside", f"{__name__}:open_beside", GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda _: open_beside)

    def installed(**_: Any) -> EntryPoints:
        return EntryPoints((point,))

    monkeypatch.setattr(plugins, "entry_points", installed)


def test_the_sqlite_store_is_used_unless_weaviate_has_an_address() -> None:
    weaviate = WeaviateSettings(url="http://weaviate:8080")
    assert store_name(MemorySettings()) == "sqlite"
    assert store_name(MemorySettings(weaviate=weaviate)) == "weaviate"
    assert store_name(MemorySettings(weaviate=weaviate, store="sqlite")) == "sqlite"


@pytest.mark.usefixtures("plugin")
async def test_a_store_of_another_package_is_opened_by_its_name(tmp_path: Path) -> None:
    settings = MemorySettings(store="beside", folder=str(tmp_path))
    store = await open_store(StoreContext(settings, "model", NO_BUCKET))
    assert store.migration.embedding_model == "model"
    assert (tmp_path / "beside" / "memory.db").exists()
    await store.close()


@pytest.mark.usefixtures("plugin")
async def test_an_unknown_store_is_refused_with_the_known_names(tmp_path: Path) -> None:
    settings = MemorySettings(store="nowhere", folder=str(tmp_path))
    with pytest.raises(ConfigurationError, match="DAYDREAM_MEMORY_STORE names 'nowhere'") as raised:
        await open_store(StoreContext(settings, "model", NO_BUCKET))
    assert "Known: sqlite, weaviate, beside" in raised.value.problem


async def test_weaviate_needs_an_address() -> None:
    settings = MemorySettings(store="weaviate")
    with pytest.raises(ConfigurationError, match="no address"):
        await open_store(StoreContext(settings, "model", NO_BUCKET))
