"""How well simple features of their texts tell bridges from decoys.

A feature's area is max(AUC, 1 − AUC): .5 says nothing, 1 tells every bridge from every decoy. A
canary whose kind shows in its length or in its shared words measures no judgement.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daydream_models.canaries.canary_set import CanaryCase, CanarySet

FIELDS = ("first", "second", "title", "reasoning", "hypothesis", "implication")
SHOWN = FIELDS[2:]  # to a judge
STEM_CHARS, STEM_WORD_MIN = 5, 4
NEGATION = re.compile(r"\b(?:no|not|none|never|without|hardly|nobody)\b", re.IGNORECASE)
PAIRS = (
    ("first", "second"),
    ("hypothesis", "first"),
    ("hypothesis", "second"),
    ("hypothesis", "facts"),
    ("hypothesis", "reasoning"),
    ("hypothesis", "implication"),
    ("reasoning", "second"),
    ("reasoning", "facts"),
    ("implication", "facts"),
    ("shown", "facts"),
)
"""Texts whose shared words and closeness are compared."""
Array = NDArray[np.float64]


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def stems_of(text: str) -> frozenset[str]:
    return frozenset(word[:STEM_CHARS] for word in words_of(text) if len(word) >= STEM_WORD_MIN)


def readability(text: str) -> float:
    """Return the reading ease (Flesch, 1948), with vowel groups as syllables."""
    words = words_of(text)
    sentences = max(1, len(re.findall(r"[.!?]", text)))
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", word))) for word in words)
    return 206.8 - 1.015 * len(words) / sentences - 84.6 * syllables / max(1, len(words))


TEXT_FEATURES: Mapping[str, Callable[[str], float]] = {
    "characters": len,
    "words": lambda text: len(words_of(text)),
    "stems": lambda text: len(stems_of(text)),
    "word length": lambda text: float(np.mean([len(word) for word in words_of(text)])),
    "longest word": lambda text: max(len(word) for word in words_of(text)),
    "punctuation": lambda text: len(re.findall(r"[^\w\s]", text)),
    "commas": lambda text: text.count(","),
    "digits": lambda text: len(re.findall(r"\d", text)),
    "capitals": lambda text: len(re.findall(r"[A-Z]", text)),
    "negations": lambda text: len(NEGATION.findall(text)),
    "distinct words": lambda text: len(set(words_of(text))) / len(words_of(text)),
    "readability": readability,
}


@dataclass(frozen=True)
class RareWords:
    """The weight of each stem: the logarithm of one over the share of canaries that have it."""

    weights: Mapping[str, float]

    @classmethod
    def of(cls, texts: Sequence[str]) -> RareWords:
        """Count the stems of texts."""
        counts = Counter(stem for text in texts for stem in stems_of(text))
        return cls({stem: math.log(len(texts) / count) for stem, count in counts.items()})

    def total(self, stems: Iterable[str]) -> float:
        return sum(self.weights.get(stem, 0.0) for stem in stems)

    def mean(self, text: str) -> float:
        stems = stems_of(text)
        return self.total(stems) / max(1, len(stems))

    def overlap(self, first: str, second: str) -> float:
        """Return the weighted cosine of the stems of two texts."""
        stems, others = stems_of(first), stems_of(second)
        scale = math.sqrt(self.total(stems) * self.total(others))
        return self.total(stems & others) / max(1e-9, scale)


def texts_of(case: CanaryCase) -> dict[str, str]:
    """Return the texts of a canary by name, alone and joined."""
    fields = {name: str(getattr(case, name)) for name in FIELDS}
    return {
        **fields,
        "facts": f"{case.first} {case.second}",
        "shown": " ".join(fields[name] for name in SHOWN),
        "all": " ".join(fields.values()),
    }


def text_confounds(canaries: CanarySet) -> dict[str, float]:
    """Return the area of each feature that needs no model."""
    texts = [texts_of(case) for case in (*canaries.bridges, *canaries.decoys)]
    bridges = np.arange(len(texts)) < len(canaries.bridges)
    rare = RareWords.of([row["all"] for row in texts])
    areas = {}
    for scope in texts[0]:
        for name, feature in TEXT_FEATURES.items():
            areas[f"{name} of {scope}"] = area([feature(row[scope]) for row in texts], bridges)
        areas[f"rare words of {scope}"] = area([rare.mean(row[scope]) for row in texts], bridges)
    for scope, other in PAIRS:
        name = f"{scope} and {other}"
        areas[f"shared words of {name}"] = area(
            [rare.overlap(row[scope], row[other]) for row in texts], bridges
        )
        stems = [(stems_of(row[scope]), stems_of(row[other])) for row in texts]
        areas[f"shared stems of {name}"] = area(
            [len(first & second) / max(1, len(first | second)) for first, second in stems], bridges
        )
    return areas


def closeness_confounds(
    canaries: CanarySet, embed: Callable[[Sequence[str]], Array]
) -> dict[str, float]:
    """Return the area of the closeness of two texts under an embedding, for each of `PAIRS`."""
    texts = [texts_of(case) for case in (*canaries.bridges, *canaries.decoys)]
    bridges = np.arange(len(texts)) < len(canaries.bridges)
    scopes = sorted({scope for pair in PAIRS for scope in pair})
    vectors = {scope: embed([row[scope] for row in texts]) for scope in scopes}
    return {
        f"closeness of {scope} and {other}": area(
            (vectors[scope] * vectors[other]).sum(axis=1).tolist(), bridges
        )
        for scope, other in PAIRS
    }


def area(values: Sequence[float], bridges: NDArray[np.bool_]) -> float:
    """Return max(AUC, 1 − AUC) of a feature; ties count half."""
    column = np.array(values, float)
    hits, misses = column[bridges][:, np.newaxis], column[~bridges]
    share = float(((hits > misses) + 0.5 * (hits == misses)).mean())
    return max(share, 1 - share)
