"""Keeps the domains of facts up with the memory.

States: few facts (no domains) → clustered over so many facts, and labelled up to an ordinal → … → labelled whole → new facts are labelled as they
come → twice as many facts: clustered anew. Both numbers are kept with the store; a process that dies goes on from them, and labelling twice is the
same as once.
"""

from __future__ import annotations

import asyncio
import logging
import random

import numpy as np
from pydantic import BaseModel

from daydream_memory.clustering import Domain, domains_of, nearest
from daydream_memory.store import Store

log = logging.getLogger(__name__)
NOTE, LABELLED = "domains", "domains labelled"  # the second one is written often, and small
FACTS_MIN = 50
SAMPLE = 20_000
AT_ONCE = 500


class StoredDomains(BaseModel):
    """What is kept with the store. `model`: whose vectors the centres are of."""

    model: str = ""
    clustered_at: int = 0
    names: tuple[str, ...] = ()
    centres: tuple[tuple[float, ...], ...] = ()


class Domains:
    """Finds domains, and labels facts with them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: StoredDomains | None = None
        self._labelled = 0

    async def step(self) -> bool:
        """Do the next piece of work; whether there is more."""
        facts = (await self._store.counts()).facts
        if facts < FACTS_MIN or not await self._store.leads():
            self._kept = None
            return False
        if self._kept is None:
            self._kept = StoredDomains.model_validate_json(await self._store.note(NOTE) or "{}")
            self._labelled = int(await self._store.note(LABELLED) or 0)
        kept = self._kept
        if kept.model != self._store.embedding_model or facts >= 2 * kept.clustered_at:
            self._kept = await self._cluster(kept, facts)
            await self._up_to(0)
            await self._store.keep_note(NOTE, self._kept.model_dump_json())
        elif self._labelled < facts:
            await self._label(kept, min(facts, self._labelled + AT_ONCE))
        else:
            return False
        return True

    async def _up_to(self, ordinal: int) -> None:
        self._labelled = ordinal
        await self._store.keep_note(LABELLED, str(ordinal))

    async def _cluster(self, kept: StoredDomains, facts: int) -> StoredDomains:
        ordinals = sorted(random.Random(facts).sample(range(facts), min(SAMPLE, facts)))
        found = [
            one
            for start in range(0, len(ordinals), AT_ONCE)
            for one in await self._store.undomained(ordinals[start : start + AT_ONCE])
        ]
        same = kept.model == self._store.embedding_model
        before = (
            [Domain(name, centre) for name, centre in zip(kept.names, kept.centres, strict=True)]
            if same
            else []
        )
        domains = before
        if len(found) >= FACTS_MIN:
            matrix = np.stack([one.vector for one in found])
            domains = await asyncio.to_thread(
                domains_of, matrix, [one.text for one in found], seed=facts, before=before
            )
            log.info("%d facts without a domain are in %d now", len(found), len(domains))
        names, centres = tuple(one.name for one in domains), tuple(one.centre for one in domains)
        return StoredDomains(
            model=self._store.embedding_model, clustered_at=facts, names=names, centres=centres
        )

    async def _label(self, kept: StoredDomains, end: int) -> None:
        found = await self._store.undomained(range(self._labelled, end)) if kept.names else []
        if found:
            labels = nearest(
                np.stack([one.vector for one in found]), np.array(kept.centres, np.float32)
            )
            names = {
                one.fact_id: kept.names[label] for one, label in zip(found, labels, strict=True)
            }
            await self._store.set_domains(
                {
                    one.fact_id: names[one.fact_id]
                    for one in found
                    if one.domain != names[one.fact_id]
                }
            )
        await self._up_to(end)
