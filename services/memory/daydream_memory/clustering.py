"""Domains for facts whose documents name none: clusters of their vectors, called by the words that set them apart.

Spherical k-means (Dhillon and Modha, 2001) with k-means++ seeding over a sample. A cluster that lies where an earlier one lay keeps its name, so that
what was learned of a domain goes on being of use.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 25
CLUSTERS_MAX = 32
SAME = 0.9  # cosine of the centres of a cluster and its successor
WORDS = 3
WORD = re.compile(r"[^\W\d_]{4,}")
FOUND = "~"  # what the name of a domain begins with that no document named

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Domain:
    """A cluster: its name, and its centre, of length 1."""

    name: str
    centre: tuple[float, ...]


def clusters_for(facts: int) -> int:
    """How many clusters so many facts get: as many as there are facts in each, up to a number that people can still overlook."""
    return int(min(CLUSTERS_MAX, max(2, (facts / 4) ** 0.5)))


def centres_of(vectors: Matrix, count: int, seed: int) -> Matrix:
    """The centres of clusters of unit vectors, shape (count or fewer, d)."""
    rng = np.random.default_rng(seed)
    centres: Matrix = vectors[rng.integers(len(vectors))][np.newaxis]
    while len(centres) < count:
        far = np.maximum(0.0, 1.0 - (vectors @ centres.T).max(axis=1)).astype(float)
        if far.sum() <= 1e-9:  # no more different texts than this
            break
        centres = np.vstack([centres, vectors[rng.choice(len(vectors), p=far / far.sum())]])
    for _ in range(ITERATIONS):
        labels = (vectors @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        moved: Matrix = np.where(lengths > 1e-9, sums / np.maximum(lengths, 1e-9), centres).astype(
            np.float32
        )
        if np.allclose(moved, centres, atol=1e-5):
            break
        centres = moved
    return centres


def domains_of(
    vectors: Matrix, texts: Sequence[str], *, seed: int, before: Sequence[Domain] = ()
) -> list[Domain]:
    """The domains of these facts."""
    centres = centres_of(vectors, clusters_for(len(vectors)), seed)
    labels = nearest(vectors, centres)
    kept = _kept_names(centres, before)
    taken = set(kept.values())
    found = []
    for number, words in enumerate(_words(texts, labels, len(centres))):
        name = kept.get(number) or _free(FOUND + " ".join(words), taken)
        taken.add(name)
        found.append(Domain(name, tuple(float(value) for value in centres[number])))
    return found


def nearest(vectors: Matrix, centres: Matrix) -> NDArray[np.int64]:
    """For each vector the number of its centre."""
    found: NDArray[np.int64] = (vectors @ centres.T).argmax(axis=1)
    return found


def _kept_names(centres: Matrix, before: Sequence[Domain]) -> dict[int, str]:
    """Each earlier name goes to the new cluster that is nearest to it, if that is near enough and has none yet."""
    if not before:
        return {}
    cosines = centres @ np.array([one.centre for one in before], np.float32).T
    found: dict[int, str] = {}
    for at in np.argsort(-cosines, axis=None):
        number, old = np.unravel_index(at, cosines.shape)
        if cosines[number, old] < SAME:
            break
        name = before[int(old)].name
        if int(number) not in found and name not in found.values():
            found[int(number)] = name
    return found


def _words(texts: Sequence[str], labels: NDArray[np.int64], count: int) -> list[list[str]]:
    """For each cluster the words whose share of its texts is furthest above their share of the others."""
    having = [Counter[str]() for _ in range(count)]
    for text, label in zip(texts, labels, strict=True):
        having[label].update(set(WORD.findall(text.lower())))
    everywhere, sizes = sum(having, Counter[str]()), np.bincount(labels, minlength=count)
    others = np.maximum(1, len(texts) - sizes).tolist()
    return [
        _first(
            {word: own[word] / max(1, size) - (everywhere[word] - own[word]) / rest for word in own}
        )
        for own, size, rest in zip(having, sizes.tolist(), others, strict=True)
    ]


def _first(weights: Mapping[str, float]) -> list[str]:
    return sorted(weights, key=lambda word: (-weights[word], word))[:WORDS]


def _free(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name} {number}", number + 1
    return found
