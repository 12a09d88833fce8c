"""Choose the next anchor: a cursor in a keyed permutation, so that each fact comes once before any
comes twice.

Pure. At every draw each anchor that is left in a cycle has the same probability,
1 ÷ (anchors left).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from daydream_sampler.permutation import KeyedPermutation
from daydream_sampler.strategies.interface import AnchorOrder


class AnchorSource(BaseModel):
    """How a strategy takes anchors, and how many there are."""

    model_config = ConfigDict(frozen=True)

    order: AnchorOrder
    available: int


class Cycle(BaseModel):
    """The `number`-th time through `size` anchors, of which `cursor` are used.

    For arrivals, `cursor` is the number of old facts.
    """

    model_config = ConfigDict(frozen=True)

    number: int = 1
    size: int = 0
    cursor: int = 0

    def ready(self, order: AnchorOrder, available: int) -> Cycle | None:
        """Return the cycle at the next of `available` anchors, or None without one."""
        if order is AnchorOrder.ARRIVALS:
            return self.model_copy(update={"size": available}) if self.cursor < available else None
        if order is AnchorOrder.DUE:
            return None
        if self.cursor < self.size:
            return self
        return Cycle(number=self.number + 1, size=available) if available else None

    def next(self) -> Cycle:
        """Return the cycle after the anchor at its cursor was used."""
        return self.model_copy(update={"cursor": self.cursor + 1})

    def place(self, order: AnchorOrder, key: str) -> int:
        """Return the position of the next anchor among the anchors."""
        return self.cursor if order is AnchorOrder.ARRIVALS else self._permutation(key)[self.cursor]

    def probability(self, order: AnchorOrder, key: str, place: int) -> float:
        """Return the probability that this position is next."""
        if order is AnchorOrder.ARRIVALS:
            return float(place == self.cursor)
        if place >= self.size or self._permutation(key).index(place) < self.cursor:
            return 0.0
        return 1 / (self.size - self.cursor)

    def _permutation(self, key: str) -> KeyedPermutation:
        return KeyedPermutation(self.size, f"{key}:{self.number}".encode()[:64])
