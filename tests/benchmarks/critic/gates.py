"""What the gates of the bundled embedding model stop, of claims in threes: different claims about one subject, and the same ones in other words."""

from __future__ import annotations

import asyncio

import numpy as np

from benchmarks.figures import figure
from daydream_contracts.rpc import NearestMatches, SimilarityScale
from daydream_critic.pipeline.gates.memory_gates import similarity_threshold
from daydream_critic.settings import CriticSettings
from daydream_memory.embedding import MiniLM
from daydream_memory.similarity_baseline import BUNDLED, cosines


def measure() -> None:
    """Print the model's likeness, and both shares, each three against what the others say."""
    same, others = asyncio.run(cosines(MiniLM(1)))
    lines = [_line(np.delete(others, at)) for at in range(len(others))]
    figure(
        "critic",
        "gates_likeness_mean",
        [float(others.mean())],
        "cosine",
        deviation=round(float(others.std(ddof=1)), 3),
        in_use=BUNDLED.mean,
    )
    figure("critic", "gates_line", lines, "cosine")
    figure(
        "critic",
        "gates_different_stopped_share",
        [float(np.mean(others >= np.array(lines)))],
        "share",
        pairs=len(others),
    )
    figure(
        "critic",
        "gates_same_stopped_share",
        [float(np.mean(same >= np.array(lines)))],
        "share",
        pairs=len(same),
    )


def _line(others: np.ndarray) -> float:
    likeness = SimilarityScale(
        mean=float(others.mean()), deviation=float(others.std(ddof=1)), pairs=len(others)
    )
    known = NearestMatches(
        own_facts=(),
        nearest=None,
        unrelated_median=0.0,
        embedding_model=MiniLM.model,
        likeness=likeness,
    )
    return similarity_threshold(known, CriticSettings().same_false_share, 1.0)
