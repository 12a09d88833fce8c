"""The loops of the memory service."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from daydream_memory.domains import Domains
from daydream_memory.ingest import Ingester
from daydream_memory.model_migration import ModelMigration, restart_when_outdated
from daydream_memory.similarity_baseline import SimilarityBaseline
from daydream_memory.store import Store
from daydream_runtime.loop_errors import TRANSIENT_ERRORS
from daydream_runtime.runtime_context import Runtime

log = logging.getLogger(__name__)
TEND_IDLE_S = 1.0


@dataclass(frozen=True)
class BackgroundWork:
    """What the service does besides handling messages. Each method is a loop."""

    runtime: Runtime
    store: Store
    ingester: Ingester
    migration: ModelMigration | None
    baseline: SimilarityBaseline
    domains: Domains

    def loops(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        """Return all loops."""
        return (self.embed, self.migrate, self.tend, self.measure)

    async def embed(self) -> None:
        """Embed pending facts."""
        await self.ingester.embed_forever(self.runtime.pause, self.runtime.stopping)

    async def migrate(self) -> None:
        """Change the embedding model, if another one is set. Follow other replicas' changes."""
        runtime = self.runtime
        if self.migration:
            await self.migration.run(runtime.pause, runtime.stopping, runtime.restart)
        await restart_when_outdated(
            self.store.migration, runtime.pause, runtime.stopping, runtime.restart
        )

    async def tend(self) -> None:
        """Build the search index, and find domains."""
        while not self.runtime.stopping.is_set():
            try:
                worked = [await self.store.maintenance.tend(), await self.domains.step()]
            except TRANSIENT_ERRORS as error:
                log.warning("the store waits: %s", error)
                worked = []
            if not any(worked):
                await self.runtime.pause(TEND_IDLE_S)

    async def measure(self) -> None:
        """Measure the embedding model once there are facts to compare.

        Facts come first: with little money left the measurement would take what the first of
        them need.
        """
        while not (self.runtime.stopping.is_set() or await self._has_facts()):
            await self.runtime.pause(TEND_IDLE_S)
        await self.baseline.measure_until_known(self.runtime.pause, self.runtime.stopping.is_set)

    async def _has_facts(self) -> bool:
        try:
            return (await self.store.maintenance.counts()).facts > 0
        except TRANSIENT_ERRORS as error:
            log.warning("the store waits: %s", error)
            return False
