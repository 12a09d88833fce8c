"""A change of the embedding model while the loop goes on.

Data: texts that have a vector of the model in use → vectors of the next one, beside → when few are left, a restart in order, which makes the last
ones before anything else begins, and changes over. So no question is ever answered with the vectors of two models.
What can fail: no money or no endpoint (it waits, like all embedding), the process (it goes on from what is kept), the former model can't be reached
any more (questions wait until the new vectors are there; say where it is, and they don't).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from daydream_contracts.errors import RetryLaterError
from daydream_memory.embedding import Embedder
from daydream_memory.store import StaleVector, Store, Vector
from daydream_runtime.background import TRANSIENT_ERRORS, WAIT_S, retry_delay_s

log = logging.getLogger(__name__)
FEW = 200  # texts; embedded at a start before the service is ready
BEGIN_S = 2.0  # whoever started the service shall see it ready before it restarts
LOOK_S = 10.0


class UnavailableEmbedder:
    """A former model that nobody can ask: what needs it waits for the next one."""

    def __init__(self, model: str) -> None:
        self.model = model

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Raises RetryLaterError."""
        raise RetryLaterError(
            f"all facts are being embedded anew, and their former model {self.model} is not set up (DAYDREAM_MEMORY_PREVIOUS_NAME)",
            delay_s=WAIT_S,
        )


class ModelMigration:
    """Makes the vectors of the next model."""

    def __init__(self, store: Store, embedder: Embedder, *, batch: int) -> None:
        self._store = store
        self._embedder = embedder
        self._batch = batch

    async def finish(self) -> bool:
        """Change over now, if only few texts are left; whether it did. For a start, before anybody uses the store."""
        try:
            few = await self._store.stale(FEW)
            while few and len(few) < FEW:
                await self._embed(few)
                few = await self._store.stale(FEW)
        except TRANSIENT_ERRORS as trouble:
            log.warning("the change of the embedding model waits: %s", trouble)
            return False
        if few:
            return False
        before = self._store.embedding_model
        await self._store.switch()
        log.info(
            "vectors are those of %s now, and no longer those of %s",
            self._store.embedding_model,
            before,
        )
        return True

    async def go_on(
        self,
        pause: Callable[[float], Awaitable[None]],
        stopping: asyncio.Event,
        restart: Callable[[str], None],
    ) -> None:
        """Embed what is left, in the background; then restart."""
        await pause(BEGIN_S)
        done = 0
        while not stopping.is_set():
            try:
                stale = await self._store.stale(self._batch)
                if not stale:
                    return restart(f"all vectors of {self._embedder.model} are made")
                await self._embed(stale)
            except TRANSIENT_ERRORS as trouble:
                log.warning("the change of the embedding model waits: %s", trouble)
                await pause(retry_delay_s(trouble))
                continue
            done += len(stale)
            log.info("embedded anew with %s: %d texts since the start", self._embedder.model, done)
            await asyncio.sleep(0)

    async def _embed(self, stale: Sequence[StaleVector]) -> None:
        for start in range(0, len(stale), self._batch):
            part = stale[start : start + self._batch]
            vectors = await self._embedder.embed([one.text for one in part])
            await self._store.add_vectors(list(zip(part, vectors, strict=True)))


async def follow(
    store: Store,
    pause: Callable[[float], Awaitable[None]],
    stopping: asyncio.Event,
    restart: Callable[[str], None],
) -> None:
    """Restart when another replica changed over."""
    while not stopping.is_set():
        await pause(LOOK_S)
        try:
            if await store.outdated():
                return restart("another replica changed the embedding model")
        except TRANSIENT_ERRORS:
            continue
