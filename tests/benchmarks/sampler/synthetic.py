"""Synthetic vectors in clusters, as those of texts are. Made in parts, so that millions fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLUSTER = 50  # facts to a cluster
PART = 100_000


def clustered(count: int, dimension: int, seed: int) -> NDArray[np.float32]:
    """Return unit vectors, shape (count, dimension). The noise is as long as the centres."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, count // CLUSTER), dimension), np.float32)
    rows = np.empty((count, dimension), np.float32)
    for start in range(0, count, PART):
        part = rows[start : start + PART]
        rng.standard_normal(out=part, dtype=np.float32)
        part += centres[rng.integers(0, len(centres), len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return rows
