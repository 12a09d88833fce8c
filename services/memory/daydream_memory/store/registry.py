"""The stores by name: the two bundled ones, and those that other packages offer.

A bundled store gets a row in `BUNDLED` below. Another package adds a store with an entry point in
the group `daydream.stores`. It names a coroutine function that takes a `StoreContext` and returns a
`Store`. The contract tests in `tests/contracts/store` run on every store that is installed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from nats.js.kv import KeyValue

from daydream_contracts.errors import ConfigurationError
from daydream_memory.settings import MemorySettings
from daydream_memory.store import Store
from daydream_runtime.plugins import load_plugin, plugin_names

GROUP = "daydream.stores"
SETTING = "DAYDREAM_MEMORY_STORE"
SQLITE, WEAVIATE = "sqlite", "weaviate"


@dataclass(frozen=True)
class StoreContext:
    """What a store is opened with.

    `embedding_model` names the model that makes vectors. `bucket` is shared by all replicas of the
    memory service, for locks and leases.
    """

    settings: MemorySettings
    embedding_model: str
    bucket: KeyValue


OpenStore = Callable[[StoreContext], Awaitable[Store]]


async def open_store(context: StoreContext) -> Store:
    """Open the store that the settings name. Raise ConfigurationError for an unknown name."""
    return await store_opener(store_name(context.settings))(context)


def store_name(settings: MemorySettings) -> str:
    """Return the name of the store in use: Weaviate if no name but its URL is set."""
    return settings.store or (WEAVIATE if settings.weaviate.url else SQLITE)


def store_opener(name: str) -> OpenStore:
    """Return the function that opens this store. Raise ConfigurationError for an unknown name."""
    return load_plugin(GROUP, name, SETTING, BUNDLED)


def store_names() -> list[str]:
    """Return the names of all stores that are installed."""
    return plugin_names(GROUP, BUNDLED)


async def _open_sqlite(context: StoreContext) -> Store:
    from daydream_memory.sqlite import open_sqlite_store  # noqa: PLC0415

    return open_sqlite_store(Path(context.settings.folder), context.embedding_model)


async def _open_weaviate(context: StoreContext) -> Store:
    if not context.settings.weaviate.url:
        raise ConfigurationError(
            "The store is weaviate, and it has no address", "Set DAYDREAM_MEMORY_WEAVIATE_URL"
        )
    # its client takes a second to load
    from daydream_memory.weaviate import open_weaviate_store  # noqa: PLC0415

    return await open_weaviate_store(
        context.settings.weaviate, context.bucket, context.embedding_model
    )


BUNDLED: dict[str, OpenStore] = {SQLITE: _open_sqlite, WEAVIATE: _open_weaviate}
