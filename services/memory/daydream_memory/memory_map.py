"""A map of the memory: facts on the plane of their two first principal components.

The plane is computed from an evenly spaced sample of the facts by a singular value decomposition
(Pearson, 1901: "On lines and planes of closest fit"), and stored until the memory has grown by a
tenth. So a memory of a million facts costs as much as one of two thousand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import Fact
from daydream_contracts.rpc import MapMemory, MapPoint, MemoryMap
from daydream_contracts.rpc.memory import MAPPED_MAX
from daydream_memory.store import Store, StoredFact

GROWTH = 1.1
TITLE_CHARS = 80
DECIMALS = 4


@dataclass(frozen=True)
class MapPlane:
    """The mean of the sample, two axes of length 1, and the share of the variance they carry."""

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    explained: float

    def point(self, fact: Fact, vector: NDArray[np.float32]) -> MapPoint:
        """Return where a fact is."""
        x, y = (self.axes @ (vector - self.mean)).tolist()
        title = fact.title or fact.source or fact.text
        return MapPoint(
            fact_id=fact.fact_id,
            x=round(x, DECIMALS),
            y=round(y, DECIMALS),
            kind=fact.kind,
            title=title[:TITLE_CHARS],
        )


@dataclass
class MapMaker:
    """Make maps of a store. `_known`: generation of the store, and number of facts, of the plane.

    Maps that are requested at the same time wait for one computation.
    """

    store: Store
    embedding_model: str
    _known: tuple[str, int] = ("", 0)
    _plane: MapPlane | None = None
    _sample: tuple[MapPoint, ...] = ()
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def place(self, request: MapMemory) -> MemoryMap:
        """Return the map. It is empty with fewer than three facts."""
        facts = (await self.store.maintenance.counts()).facts
        async with self._lock:
            generation = self.store.maintenance.generation
            if self._known[0] != generation or facts >= GROWTH * self._known[1]:
                await self._compute(facts)
                self._known = (generation, max(1, facts))
        if self._plane is None:
            return MemoryMap(facts=facts)
        return MemoryMap(
            sample=_spread(self._sample, request.sample),
            named=tuple(await self._named(self._plane, request.fact_ids)),
            facts=facts,
            explained=self._plane.explained,
        )

    async def _compute(self, facts: int) -> None:
        ordinals = np.unique(np.linspace(0, facts - 1, min(facts, MAPPED_MAX)).astype(int))
        stored = await self.store.facts.active_at(ordinals.tolist()) if facts else []
        plane = await asyncio.to_thread(plane_of, stored)
        self._plane = plane
        self._sample = tuple(plane.point(each.fact, each.vector) for each in stored if plane)

    async def _named(self, plane: MapPlane, fact_ids: Iterable[str]) -> list[MapPoint]:
        names = list(fact_ids)
        vectors = await self.store.facts.vectors(names)
        return [
            plane.point(fact, vectors[fact.fact_id])
            for fact in await self.store.facts.get(names)
            if fact.fact_id in vectors and np.any(vectors[fact.fact_id])  # an erased one has zeros
        ]


def plane_of(facts: Iterable[StoredFact]) -> MapPlane | None:
    """Return the plane through these facts, None for fewer than three different ones."""
    rows = [fact.vector for fact in facts]
    if len(rows) < 3:
        return None
    matrix = np.stack(rows)
    mean = matrix.mean(axis=0)
    _, lengths, axes = np.linalg.svd(matrix - mean, full_matrices=False)
    variance = lengths**2
    if variance.sum() <= 0:
        return None
    # a decomposition leaves the signs open: the largest part of each axis is positive
    largest = axes[np.arange(2), np.abs(axes[:2]).argmax(axis=1)]
    directed = axes[:2] * np.sign(largest)[:, np.newaxis]
    return MapPlane(mean, directed, float(variance[:2].sum() / variance.sum()))


def _spread(points: tuple[MapPoint, ...], count: int) -> tuple[MapPoint, ...]:
    """Return this many points, evenly spaced among all."""
    if count >= len(points):
        return points
    places = np.unique(np.linspace(0, len(points) - 1, count).astype(int)) if count else ()
    return tuple(points[place] for place in places)
