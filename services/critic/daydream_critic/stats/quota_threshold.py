"""Where promotion begins while nobody has said what is good: the quantile of the log-odds that hypotheses ended with, so that the best few of them pass.

Until enough were seen it is where it would lie if a quota's half of all were hits, and each judge were asked once.
"""

from __future__ import annotations

import bisect
import math
from collections import deque

from daydream_critic.stats.aggregation import AggregationModel

HITS_OF_QUOTA = (
    0.5  # how much of what a quota lets through is taken for hits, before anything is known
)
SEEN_MAX = 1000
SEEN_MIN = 50
HALVINGS = 50


class QuotaThreshold:
    """For a quota, the share of hypotheses that is promoted."""

    def __init__(self, quota: float) -> None:
        self.quota = quota
        self.prior = math.log(HITS_OF_QUOTA * quota / (1 - HITS_OF_QUOTA * quota))
        self._seen: deque[float] = deque()
        self._ordered: list[float] = []

    @property
    def count(self) -> int:
        """How many hypotheses it rests on, at most `SEEN_MAX`."""
        return len(self._seen)

    def add(self, log_odds: float) -> None:
        """A hypothesis ended with so much; the oldest is forgotten."""
        if len(self._seen) == SEEN_MAX:
            del self._ordered[bisect.bisect_left(self._ordered, self._seen.popleft())]
        self._seen.append(log_odds)
        bisect.insort(self._ordered, log_odds)

    def at(self, quota: float, panel: AggregationModel) -> float:
        """The log-odds that a share `quota` of the hypotheses passes."""
        if self.count < SEEN_MIN:
            return self._expected(quota, panel)
        return self._ordered[min(self.count - 1, int(self.count * (1 - quota)))]

    def value(self, panel: AggregationModel) -> float:
        """The line itself."""
        return self.at(self.quota, panel)

    def _expected(self, quota: float, panel: AggregationModel) -> float:
        deflection = max(panel.evidence((1,) * len(panel.separations)).deflection, 1e-6)
        hits, spread = HITS_OF_QUOTA * self.quota, deflection**0.5
        low, high = self.prior - 30.0, self.prior + 30.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = (1 - hits) * _beyond(
                (middle - self.prior + deflection / 2) / spread
            ) + hits * _beyond((middle - self.prior - deflection / 2) / spread)
            low, high = (middle, high) if above > quota else (low, middle)
        return (low + high) / 2


def _beyond(deviate: float) -> float:
    return 0.5 * math.erfc(deviate / math.sqrt(2))
