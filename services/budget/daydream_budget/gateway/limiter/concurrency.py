"""How many calls are in flight: additive increase, multiplicative decrease (AIMD).

Until the first burst of refusals the limit grows by half per round of answers, then by one. It
halves once per burst. After a halving it doubles per round until it comes near the limit that was
refused, and only then grows slowly: one burst costs little. It does not grow while calls do not use
it. An isolated refusal is no burst; too many of them make the limit smaller by one each.

The limit is that of all replicas together; each takes its share, and at minimum one call. With
fewer places than replicas there may thus be as many calls as replicas.
"""

from __future__ import annotations

NEAR_REFUSED = 0.8
FIRST_GROWTH = 0.5


class Concurrency:
    """The limit of one model."""

    def __init__(self, start: int, maximum: int) -> None:
        self._maximum = float(maximum)
        self.limit = float(min(start, maximum))
        self._refused_at: float | None = None

    def own(self, share: float) -> int:
        """Return the number of calls that a replica with this share may have in flight."""
        return max(1, int(self.limit * share + 1e-9))

    def answered(self, in_flight: int, share: float) -> None:
        """Grow after an answer, if calls use the limit. `in_flight` includes the answered one."""
        own = self.own(share)
        if 2 * in_flight < own:
            return
        if self._refused_at is None:
            grown = self.limit + FIRST_GROWTH / share
        elif self.limit < NEAR_REFUSED * self._refused_at:
            grown = min(NEAR_REFUSED * self._refused_at, self.limit + 1 / share)
        else:
            grown = self.limit + 1 / own
        self.limit = min(self._maximum, grown)

    def halve(self) -> None:
        """Shrink after a burst of refusals."""
        self._refused_at = self.limit
        self.limit = max(1.0, self.limit / 2)

    def decrease(self) -> None:
        """Shrink a little, after some refusals among many answers."""
        self._refused_at = self._refused_at or self.limit
        self.limit = max(1.0, self.limit - 1)

    def adopt(self, limit: float) -> None:
        """Take over another replica's limit."""
        if limit < self.limit:
            self._refused_at = self.limit
        self.limit = min(self._maximum, max(1.0, limit))
