"""What the memory gates stop with the bundled embedding model.

Sentences come in triples: a statement, the same in other words, another about the same subject.
"""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import figure
from daydream_contracts.rpc import NearestMatches, SimilarityScale
from daydream_critic.settings import CriticSettings
from daydream_memory.minilm_embedder import MiniLM
from daydream_memory.similarity_baseline import MINILM_SCALE, cosines
from daydream_models.similarity_threshold import similarity_threshold

Array = NDArray[np.float64]


def measure() -> None:
    """Print the similarity baseline, and both shares.

    Each triple is judged by what the others say.
    """
    same, different = asyncio.run(cosines(MiniLM(1)))
    thresholds = np.array(
        [_threshold(np.delete(different, index)) for index in range(len(different))]
    )
    figure(
        "critic",
        "gates_similarity_baseline_mean",
        [float(different.mean())],
        "cosine",
        deviation=round(float(different.std(ddof=1)), 3),
        in_use=MINILM_SCALE.mean,
    )
    figure("critic", "gates_similarity_threshold", thresholds.tolist(), "cosine")
    _print_stopped("gates_different_stopped_share", different, thresholds)
    _print_stopped("gates_same_stopped_share", same, thresholds)


def _print_stopped(name: str, similarities: Array, thresholds: Array) -> None:
    stopped = float(np.mean(similarities >= thresholds))
    figure("critic", name, [stopped], "share", pairs=len(similarities))


def _threshold(different: Array) -> float:
    baseline = SimilarityScale(
        mean=float(different.mean()),
        deviation=float(different.std(ddof=1)),
        pairs=len(different),
    )
    matches = NearestMatches(
        own_facts=(),
        nearest=None,
        unrelated_median=0.0,
        embedding_model=MiniLM.model,
        similarity_baseline=baseline,
    )
    return similarity_threshold(matches, CriticSettings().same_false_share, 1.0)
