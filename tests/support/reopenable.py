"""A store that tests can close and open again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from daydream_memory.store import Store
from support.store_cases import MODEL

OpenIn = Callable[[Path, str], Awaitable[Store]]


@dataclass
class Reopenable:
    """An open store, and how to open it again in the same folder."""

    open: OpenIn
    folder: Path
    store: Store

    async def reopen(self, model: str = MODEL) -> Store:
        """Close the store and open it again, with this embedding model."""
        await self.store.close()
        self.store = await self.open(self.folder, model)
        return self.store
