"""How many words two documents share, by stems: the closeness that words alone suggest."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

STEM = re.compile(r"[a-z]{4,}")
STEM_LETTERS = 5
RARE_SHARE = 0.05  # of the documents: a stem in fewer of them is rare
DocumentPair = tuple[int, int]


class SharedWords:
    """The shared words of pairs of documents, rare ones counting more."""

    def __init__(self, documents: Sequence[str]) -> None:
        self._stems = [_stems(text) for text in documents]
        counts = Counter(stem for stems in self._stems for stem in stems)
        self._weights = {stem: math.log(len(documents) / n) for stem, n in counts.items()}
        self._rare = {stem for stem, n in counts.items() if n < RARE_SHARE * len(documents)}

    def weight(self, pair: DocumentPair) -> float:
        """Return the sum of the inverse frequencies of what both share, between 0 and 1."""
        first, second = (self._stems[place] for place in pair)
        scale = math.sqrt(self._sum(first) * self._sum(second))
        return self._sum(first & second) / scale if scale else 0.0

    def rare(self, pair: DocumentPair) -> bool:
        """Return whether both have a stem that few documents have."""
        first, second = (self._stems[place] for place in pair)
        return bool(first & second & self._rare)

    def _sum(self, stems: set[str]) -> float:
        return sum(self._weights[stem] for stem in stems)


def _stems(text: str) -> set[str]:
    return {word[:STEM_LETTERS] for word in STEM.findall(text.lower())}
