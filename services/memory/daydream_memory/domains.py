"""Assign domains to facts whose documents name none, and keep them up to date.

States: few facts (no domains) → clustered over a number of facts, and labelled up to an ordinal → …
→ all labelled → new facts are labelled when they arrive → twice as many facts: clustered again. The
store holds both numbers. A process that dies continues from them. Labelling twice is the same as
once.
"""

from __future__ import annotations

import asyncio
import logging
import random

import numpy as np
from pydantic import BaseModel

from daydream_memory.clustering import Domain, domains_of, nearest
from daydream_memory.store import Store, UnlabelledFact

log = logging.getLogger(__name__)
NOTE, LABELLED_NOTE = "domains", "domains labelled"  # the second is written often, and is small
FACTS_MIN = 50
SAMPLE_MAX = 20_000
BATCH = 500


class StoredDomains(BaseModel):
    """The domains as stored. `model`: the embedding model of the centres."""

    model: str = ""
    clustered_at: int = 0
    names: tuple[str, ...] = ()
    centres: tuple[tuple[float, ...], ...] = ()

    def domains(self) -> list[Domain]:
        """Return them as clusters."""
        return [Domain(name, centre) for name, centre in zip(self.names, self.centres, strict=True)]


class Domains:
    """Find domains, and label facts with them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stored: StoredDomains | None = None
        self._labelled = 0

    async def step(self) -> bool:
        """Do the next piece of work. Return whether there was any."""
        facts = (await self._store.maintenance.counts()).facts
        if facts < FACTS_MIN or not await self._store.maintenance.is_leader():
            self._stored = None
            return False
        stored = self._stored or await self._load()
        if stored.model != self._model or facts >= 2 * stored.clustered_at:
            stored = await self._cluster(stored, facts)
            await self._set_labelled(0)
            await self._store.maintenance.set_note(NOTE, stored.model_dump_json())
        elif self._labelled < facts:
            await self._label(stored, min(facts, self._labelled + BATCH))
        else:
            return False
        self._stored = stored
        return True

    @property
    def _model(self) -> str:
        return self._store.migration.embedding_model

    async def _load(self) -> StoredDomains:
        note = self._store.maintenance.note
        self._stored = StoredDomains.model_validate_json(await note(NOTE) or "{}")
        self._labelled = int(await note(LABELLED_NOTE) or 0)
        return self._stored

    async def _set_labelled(self, ordinal: int) -> None:
        self._labelled = ordinal
        await self._store.maintenance.set_note(LABELLED_NOTE, str(ordinal))

    async def _cluster(self, stored: StoredDomains, facts: int) -> StoredDomains:
        domains = stored.domains() if stored.model == self._model else []
        sample = await self._sample(facts)
        if len(sample) >= FACTS_MIN:
            domains = await asyncio.to_thread(
                domains_of,
                np.stack([fact.vector for fact in sample]),
                [fact.text for fact in sample],
                seed=facts,
                before=domains,
            )
            log.info("clustered %d facts into %d domains", len(sample), len(domains))
        return StoredDomains(
            model=self._model,
            clustered_at=facts,
            names=tuple(domain.name for domain in domains),
            centres=tuple(domain.centre for domain in domains),
        )

    async def _sample(self, facts: int) -> list[UnlabelledFact]:
        ordinals = sorted(random.Random(facts).sample(range(facts), min(SAMPLE_MAX, facts)))
        sample: list[UnlabelledFact] = []
        for start in range(0, len(ordinals), BATCH):
            sample += await self._store.facts.unlabelled(ordinals[start : start + BATCH])
        return sample

    async def _label(self, stored: StoredDomains, end: int) -> None:
        ordinals = range(self._labelled, end) if stored.names else range(0)
        facts = await self._store.facts.unlabelled(ordinals)
        if facts:
            vectors = np.stack([fact.vector for fact in facts])
            labels = nearest(vectors, np.array(stored.centres, np.float32))
            names = [stored.names[label] for label in labels]
            await self._store.facts.set_domains(
                {
                    fact.fact_id: name
                    for fact, name in zip(facts, names, strict=True)
                    if fact.domain != name
                }
            )
        await self._set_labelled(end)
