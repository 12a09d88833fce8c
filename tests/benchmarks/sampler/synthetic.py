"""Vectors that lie as texts do: in clusters, around centres, none of them the same. Made in parts, so that millions of them fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLUSTER = 50  # facts to a cluster
PART = 100_000


def clustered(count: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors, shape (count, dimension); the noise around a centre is as long as the centre."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, count // CLUSTER), dimension), np.float32)
    rows = np.empty((count, dimension), np.float32)
    for start in range(0, count, PART):
        part = rows[start : start + PART]
        rng.standard_normal(out=part, dtype=np.float32)
        part += centres[rng.integers(0, len(centres), len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return rows
