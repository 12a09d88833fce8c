"""A change of the embedding model while the service runs.

Data: texts that have a vector of the model in use → vectors of the next one, stored beside → when
few are left, an orderly restart, which makes the last ones before anything else begins, and
switches. So no request is ever answered with the vectors of two models.

What can fail:

- There is no money or no endpoint: the migration waits, like all embedding.
- The process dies: it continues from the vectors that are stored.
- The previous model is unavailable: requests wait until the new vectors are complete. Setting
  DAYDREAM_MEMORY_PREVIOUS_NAME avoids that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from daydream_contracts.errors import RetryLaterError
from daydream_memory.embedder import Embedder
from daydream_memory.store import ModelMigrationStore, StaleVector, Vector
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, WAIT_S, retry_delay_s

log = logging.getLogger(__name__)
LAST_TEXTS_MAX = 200  # embedded at a start, before the service is ready
FIRST_DELAY_S = 2.0  # the process that started the service sees it ready before it restarts
OUTDATED_CHECK_S = 10.0

Pause = Callable[[float], Awaitable[None]]
Restart = Callable[[str], None]


@dataclass
class UnavailableEmbedder:
    """The previous model when it is not configured. What needs it waits for the next one."""

    model: str

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Raise RetryLaterError."""
        raise RetryLaterError(
            f"All facts are being embedded again, and their previous model {self.model} is not "
            "configured (DAYDREAM_MEMORY_PREVIOUS_NAME)",
            delay_s=WAIT_S,
        )


@dataclass(frozen=True)
class ModelMigration:
    """Make the vectors of the next model, and switch to them."""

    store: ModelMigrationStore
    embedder: Embedder
    batch: int

    async def finish(self) -> bool:
        """Switch now if only few texts are left. Return whether it did.

        Call it at a start, before anything uses the store.
        """
        try:
            stale = await self.store.stale(LAST_TEXTS_MAX)
            while stale and len(stale) < LAST_TEXTS_MAX:
                await self._embed(stale)
                stale = await self.store.stale(LAST_TEXTS_MAX)
        except TRANSIENT_ERRORS as error:
            log.warning("the change of the embedding model waits: %s", error)
            return False
        if stale:
            return False
        previous = self.store.embedding_model
        await self.store.switch()
        log.info("embedding model changed from %s to %s", previous, self.store.embedding_model)
        return True

    async def run(self, pause: Pause, stopping: asyncio.Event, restart: Restart) -> None:
        """Embed what is left, in the background. Then restart."""
        await pause(FIRST_DELAY_S)
        embedded = 0
        while not stopping.is_set():
            try:
                stale = await self.store.stale(self.batch)
                await self._embed(stale)
            except TRANSIENT_ERRORS as error:
                log.warning("the change of the embedding model waits: %s", error)
                await pause(retry_delay_s(error))
                continue
            if not stale:
                return restart(f"all vectors of {self.embedder.model} are complete")
            embedded += len(stale)
            log.info("embedded %d texts with %s since the start", embedded, self.embedder.model)
            await asyncio.sleep(0)

    async def _embed(self, stale: Sequence[StaleVector]) -> None:
        for start in range(0, len(stale), self.batch):
            batch = stale[start : start + self.batch]
            vectors = await self.embedder.embed([text.text for text in batch])
            await self.store.add_vectors(list(zip(batch, vectors, strict=True)))


async def restart_when_outdated(
    store: ModelMigrationStore, pause: Pause, stopping: asyncio.Event, restart: Restart
) -> None:
    """Restart when another replica switched to another model."""
    while not stopping.is_set():
        await pause(OUTDATED_CHECK_S)
        try:
            if await store.outdated():
                return restart("another replica changed the embedding model")
        except TRANSIENT_ERRORS:
            continue
