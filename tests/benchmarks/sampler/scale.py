"""Measure the time and state of a draw as the memory grows, and test that uniform draws are
uniform.

The strategies draw from a table of synthetic vectors with the product's own index, in one process.
The benchmark of the loop has what NATS and SQLite add. Times are of a whole draw: claim, both
neighbourhoods, and the exact probability of the whole mixture.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import figure, percentile
from benchmarks.sampler.synthetic import clustered
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import Neighbour, NeighbourQuery
from daydream_memory.ann_index import AnnIndex
from daydream_memory.vectors import VectorTable
from daydream_sampler.candidates import NEAREST
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_features import NAMES
from daydream_sampler.pair_numbers import pair_count
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.simulation.draws import NOW, FactSpace, LocalPairs, draw
from daydream_sampler.strategies.registry import load_strategies

SIZES = (10**4, 10**5, 10**6, 10**7)
DIMENSION = 16  # ten million vectors of 384 would need 15 GB
INDEX_FROM = 10**5
DRAWS = 200
EPOCHS, FACTS = 2000, 10


class ManySources(Sequence[str]):
    """A source for each fact, without a list of them."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> str:  # type: ignore[override]
        return f"source {at % 1000}"


class IndexedSpace(FactSpace):
    """A space that finds near facts with the memory's own table."""

    table: VectorTable

    @property
    def questions(self) -> list[int]:
        return []

    def _neighbourhood(self, query: NeighbourQuery, near: int) -> tuple[Neighbour, ...]:
        vector = self.vectors[query.ordinal]
        cosines = {int(key): cosine for key, cosine in self.table.near(vector, near + 1)}
        cosines |= {other: float(self.vectors[other] @ vector) for other in query.also}
        cosines[query.ordinal] = 2.0
        order = sorted(cosines, key=lambda ordinal: -cosines[ordinal])
        return tuple(
            Neighbour(
                ordinal=ordinal,
                similarity=min(1.0, cosines[ordinal]),
                source=self.sources[ordinal],
                domain="",
                kind=FactKind.DOCUMENT,
            )
            for ordinal in order
        )


def measure(*, quick: bool, ten_million: bool = False) -> None:
    """Print the figures."""
    uniformity(EPOCHS // 10 if quick else EPOCHS)
    for size in SIZES:
        uniform(size)
    for size in SIZES[:2] if quick else SIZES if ten_million else SIZES[:3]:
        others(size)


def uniformity(epochs: int) -> None:
    """Print the chi-square p-value of which pair came at which position, over many whole epochs.

    Rows and columns have fixed sums, so the statistic is scaled by (k − 1) ÷ k.
    """
    pairs = pair_count(FACTS)
    seen = np.zeros((pairs, pairs))
    for seed in range(epochs):
        epoch = Epoch(key=f"{seed:x}").extend(FACTS)
        for place in range(pairs):
            epoch, claim = claimed(epoch)
            seen[claim.number or 0, place] += 1
    expected, degrees = epochs / pairs, (pairs - 1) ** 2
    chi = float(((seen - expected) ** 2 / expected).sum()) * (pairs - 1) / pairs
    # Wilson and Hilferty, 1931
    shift = 1 - 2 / (9 * degrees)
    deviation = ((chi / degrees) ** (1 / 3) - shift) / math.sqrt(2 / (9 * degrees))
    p = 0.5 * math.erfc(deviation / math.sqrt(2))
    figure(
        "sampler",
        "uniform_chi_square_p",
        [p],
        "probability",
        chi_square=round(chi, 1),
        degrees=degrees,
        epochs=epochs,
        facts=FACTS,
    )


def claimed(epoch: Epoch) -> tuple[Epoch, Claim]:
    """Return the epoch after the next draw, and the draw."""
    after, claim = epoch.claim("a", NOW) or (epoch, None)
    assert claim is not None
    return after.complete(claim), claim


def uniform(size: int) -> None:
    """Print time and state of uniform draws, which need a cursor only."""
    epoch = Epoch(key="0").extend(size)
    times = []
    for _ in range(DRAWS):
        started = time.perf_counter()
        epoch, _ = claimed(epoch)
        times.append(1e3 * (time.perf_counter() - started))
    figure(
        "sampler",
        f"draw_ms_uniform_{size:.0e}",
        [percentile(times, 0.5)],
        "ms",
        p99=round(percentile(times, 0.99), 3),
        facts=size,
        draws=DRAWS,
    )
    figure(
        "sampler",
        f"state_bytes_uniform_{size:.0e}",
        [len(epoch.model_dump_json())],
        "bytes",
        facts=size,
    )


def others(size: int) -> None:
    """Print the time of each other strategy alone."""
    vectors = clustered(size, DIMENSION, seed=0)
    space = IndexedSpace(vectors, ManySources(size), ())
    space.table = table_of(vectors)
    for name in ("importance", "unseen", "learned"):
        learned = tuple(0.3 if feature == "closeness" else 0.0 for feature in NAMES)
        epoch = Epoch(
            key="0",
            round=PortfolioRound(
                number=1, until=2**60, shares={UNIFORM: 0.0, name: 1.0}, learned=learned
            ),
        ).extend(size)
        strategies, pairs, times = load_strategies([name]), LocalPairs(), []
        for _ in range(DRAWS):
            started = time.perf_counter()
            epoch, _ = draw(space, epoch, strategies, pairs)
            times.append(1e3 * (time.perf_counter() - started))
        details: dict[str, Any] = {
            "p99": round(percentile(times, 0.99), 3),
            "facts": size,
            "draws": DRAWS,
            "dimension": DIMENSION,
            "near": NEAREST,
        }
        figure("sampler", f"draw_ms_{name}_{size:.0e}", [percentile(times, 0.5)], "ms", **details)
    figure(
        "sampler",
        f"state_bytes_{size:.0e}",
        [len(epoch.model_dump_json())],
        "bytes",
        facts=size,
        of="the epoch; the set of drawn pairs is stored elsewhere",
    )


def table_of(vectors: NDArray[np.float32]) -> VectorTable:
    """Return the memory's table, with the index that it would have at this size."""
    table = VectorTable()
    table.append([str(row) for row in range(len(vectors))], vectors)
    if len(vectors) >= INDEX_FROM:
        table.index = AnnIndex(vectors.shape[1])
        for start in range(0, len(vectors), 50_000):
            table.index.add(vectors[start : start + 50_000], threads=os.cpu_count() or 1)
    return table
