"""How well the best simple feature tells the bundled bridges from the decoys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import figure
from daydream_memory.minilm_embedder import MiniLM
from daydream_models.canaries.canary_set import CanarySet
from support.confounds import closeness_confounds, text_confounds


def canary_confounds(quick: bool) -> None:
    """Print the area under the ROC curve of the best of all simple features."""
    canaries = CanarySet.read()
    areas = text_confounds(canaries) | closeness_confounds(canaries, embedded)
    best = sorted(areas, key=areas.__getitem__, reverse=True)
    figure(
        "daydream",
        "canary_confound_auc_max",
        [areas[best[0]]],
        "AUC",
        features=len(areas),
        feature=best[0],
        next=", ".join(f"{name} {areas[name]:.3f}" for name in best[1:4]),
        bridges=len(canaries.bridges),
        decoys=len(canaries.decoys),
    )


def embedded(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return unit vectors by the bundled model."""
    return np.stack(asyncio.run(MiniLM(1).embed(texts))).astype(np.float64)
