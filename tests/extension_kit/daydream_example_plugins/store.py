"""A store: the SQLite one, with one part replaced. It logs every erasure.

A store on another database gives all parts of a `Store` in the same way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from daydream_memory.store import ErasedFacts, ErasureStore, Store
from daydream_memory.store.registry import SQLITE, StoreContext, store_opener

LOG_FILE = "erasures.jsonl"


@dataclass(frozen=True)
class AuditedErasure(ErasureStore):
    """Erases with `inner`, then appends a line to `log`: ids, counts and the note, no texts.

    After a crash the erasure is repeated. Then a line can be there twice, but none is missing.
    """

    inner: ErasureStore
    log: Path

    async def erase(
        self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str
    ) -> ErasedFacts:
        """Return what `inner` erased."""
        erased = await self.inner.erase(sources, fact_ids, derived=derived, note=note)
        await asyncio.to_thread(self._append, json.dumps({"note": note, **asdict(erased)}))
        return erased

    def _append(self, line: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")


async def open_store(context: StoreContext) -> Store:
    """Open the SQLite store in the folder of the settings, and its log next to it."""
    store = await store_opener(SQLITE)(context)
    log = Path(context.settings.folder) / LOG_FILE
    return replace(store, erasure=AuditedErasure(store.erasure, log))
