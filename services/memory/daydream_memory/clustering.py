"""Domains for facts whose documents name none: clusters of vectors, named by their typical words.

Spherical k-means (Dhillon and Modha, 2001) with k-means++ seeding (Arthur and Vassilvitskii, 2007)
over a sample. It is written by hand on numpy: scikit-learn would add 150 MB to the installation
(with scipy) for these 20 lines, and its KMeans is not spherical. A cluster near an earlier one
keeps that one's name, so that what was learned about a domain stays useful.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ITERATIONS_MAX = 25
CLUSTERS_MIN, CLUSTERS_MAX = 2, 32  # up to a number that people can survey
SAME_COSINE_MIN = 0.9  # of the centres of a cluster and its successor
WORDS_PER_NAME = 3
WORD = re.compile(r"[^\W\d_]{4,}")
FOUND_PREFIX = "~"  # of the name of a domain that no document names
DISTANCE_EPSILON, MOVE_EPSILON = 1e-9, 1e-5

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Domain:
    """A cluster: its name, and its centre, of length 1."""

    name: str
    centre: tuple[float, ...]


def clusters_for(facts: int) -> int:
    """Return the number of clusters for a number of facts: √(facts / 4), within limits."""
    return int(min(CLUSTERS_MAX, max(CLUSTERS_MIN, (facts / 4) ** 0.5)))


def centres_of(vectors: Matrix, count: int, seed: int) -> Matrix:
    """Return the centres of clusters of unit vectors, shape (count or fewer, dimension)."""
    centres = _seed_centres(vectors, count, np.random.default_rng(seed))
    for _ in range(ITERATIONS_MAX):
        moved = _move(vectors, centres)
        if np.allclose(moved, centres, atol=MOVE_EPSILON):
            break
        centres = moved
    return centres


def _seed_centres(vectors: Matrix, count: int, rng: np.random.Generator) -> Matrix:
    """Choose vectors that are far from each other as centres. Fewer if texts do not differ."""
    centres: Matrix = vectors[rng.integers(len(vectors))][np.newaxis]
    while len(centres) < count:
        distances = np.maximum(0.0, 1.0 - (vectors @ centres.T).max(axis=1)).astype(float)
        if distances.sum() <= DISTANCE_EPSILON:
            break
        row = rng.choice(len(vectors), p=distances / distances.sum())
        centres = np.vstack([centres, vectors[row]])
    return centres


def _move(vectors: Matrix, centres: Matrix) -> Matrix:
    """Return the normalized means of the clusters. An empty cluster stays where it is."""
    sums = np.zeros_like(centres)
    np.add.at(sums, nearest(vectors, centres), vectors)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    means = sums / np.maximum(lengths, DISTANCE_EPSILON)
    moved: Matrix = np.where(lengths > DISTANCE_EPSILON, means, centres).astype(np.float32)
    return moved


def nearest(vectors: Matrix, centres: Matrix) -> NDArray[np.int64]:
    """Return for each vector the number of its nearest centre, shape (len(vectors),)."""
    labels: NDArray[np.int64] = (vectors @ centres.T).argmax(axis=1)
    return labels


def domains_of(
    vectors: Matrix, texts: Sequence[str], *, seed: int, before: Sequence[Domain] = ()
) -> list[Domain]:
    """Return the domains of these facts. `before`: earlier domains, which give their names on."""
    centres = centres_of(vectors, clusters_for(len(vectors)), seed)
    labels = nearest(vectors, centres)
    inherited = _inherited_names(centres, before)
    taken = set(inherited.values())
    domains = []
    for number, words in enumerate(_typical_words(texts, labels, len(centres))):
        name = inherited.get(number) or _free_name(FOUND_PREFIX + " ".join(words), taken)
        taken.add(name)
        domains.append(Domain(name, tuple(float(value) for value in centres[number])))
    return domains


def _inherited_names(centres: Matrix, before: Sequence[Domain]) -> dict[int, str]:
    """Give each earlier name to the nearest new cluster that has none, if it is near enough."""
    if not before:
        return {}
    cosines = centres @ np.array([domain.centre for domain in before], np.float32).T
    names: dict[int, str] = {}
    for position in np.argsort(-cosines, axis=None):
        number, earlier = (int(index) for index in np.unravel_index(position, cosines.shape))
        if cosines[number, earlier] < SAME_COSINE_MIN:
            break
        name = before[earlier].name
        if number not in names and name not in names.values():
            names[number] = name
    return names


def _typical_words(texts: Sequence[str], labels: NDArray[np.int64], count: int) -> list[list[str]]:
    """Return for each cluster the words whose share of texts most exceeds that elsewhere."""
    counters = [Counter[str]() for _ in range(count)]
    for text, label in zip(texts, labels, strict=True):
        counters[label].update(set(WORD.findall(text.lower())))
    everywhere = sum(counters, Counter[str]())
    sizes = np.bincount(labels, minlength=count).tolist()
    return [
        _first_words(_excess_shares(counter, everywhere, size, len(texts)))
        for counter, size in zip(counters, sizes, strict=True)
    ]


def _excess_shares(
    counter: Counter[str], everywhere: Counter[str], size: int, texts: int
) -> dict[str, float]:
    inside, outside = max(1, size), max(1, texts - size)
    return {
        word: count / inside - (everywhere[word] - count) / outside
        for word, count in counter.items()
    }


def _first_words(weights: Mapping[str, float]) -> list[str]:
    return sorted(weights, key=lambda word: (-weights[word], word))[:WORDS_PER_NAME]


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free
