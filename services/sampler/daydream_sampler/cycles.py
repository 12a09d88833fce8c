"""Whose turn it is to be an anchor: a cursor in a keyed permutation, so that each has its turn once before any has it twice. Pure.

At every draw each anchor that is left in a cycle has the same probability, 1 ÷ (anchors left).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from daydream_sampler.permutation import KeyedPermutation
from daydream_sampler.strategies.interface import AnchorOrder


class Cycle(BaseModel):
    """The `number`-th time through `size` anchors, of which `cursor` have had their turn. For arrivals: `cursor` facts are old."""

    model_config = ConfigDict(frozen=True)

    number: int = 1
    size: int = 0
    cursor: int = 0

    def ready(self, order: AnchorOrder, available: int) -> Cycle | None:
        """The cycle whose cursor is at the next turn, of so many anchors as there are now; None when nobody has a turn."""
        if order is AnchorOrder.ARRIVALS:
            return self.model_copy(update={"size": available}) if self.cursor < available else None
        if order is AnchorOrder.DUE:
            return None
        if self.cursor < self.size:
            return self
        return Cycle(number=self.number + 1, size=available) if available else None

    def next(self) -> Cycle:
        """After the turn."""
        return self.model_copy(update={"cursor": self.cursor + 1})

    def place(self, order: AnchorOrder, key: str) -> int:
        """Whose turn it is, as a place among the anchors."""
        return self.cursor if order is AnchorOrder.ARRIVALS else self._permutation(key)[self.cursor]

    def probability(self, order: AnchorOrder, key: str, place: int) -> float:
        """With which this place has the next turn."""
        if order is AnchorOrder.ARRIVALS:
            return float(place == self.cursor)
        if place >= self.size or self._permutation(key).index(place) < self.cursor:
            return 0.0
        return 1 / (self.size - self.cursor)

    def _permutation(self, key: str) -> KeyedPermutation:
        return KeyedPermutation(self.size, f"{key}:{self.number}".encode()[:64])
