"""The promotion threshold while no reviews exist: let a fixed share of the hypotheses pass.

The threshold is a quantile of the log-odds that past hypotheses ended with. Until enough ended, it
is where it would be if half of the quota were hits and each judge was asked once. Hypotheses may
fare better than the decoys from which a judge's ranks come at first. So as soon as a few ended, no
more than twice the quota of them may lie above it.
"""

from __future__ import annotations

import bisect
import math
from collections import deque
from statistics import NormalDist

from daydream_critic.stats.aggregation import AggregationModel

HITS_OF_QUOTA = 0.5  # share of the quota that is assumed to be hits, before anything is known
HISTORY_MAX = 1000  # hypotheses
HISTORY_MIN = 50
# Of the first two no data told: they keep the first verdicts of a run from being all promoted.
EARLY_MIN = 10  # hypotheses from which those that ended limit what is promoted
EARLY_QUOTAS = 2.0
HALVINGS = 50
NORMAL = NormalDist()


class QuotaThreshold:
    """The log-odds above which a share `quota` of the hypotheses lies."""

    def __init__(self, quota: float) -> None:
        self.quota = quota
        self.prior = math.log(HITS_OF_QUOTA * quota / (1 - HITS_OF_QUOTA * quota))
        self._history: deque[float] = deque()
        self._ordered: list[float] = []

    @property
    def count(self) -> int:
        """Return the number of hypotheses that it rests on, at most `HISTORY_MAX`."""
        return len(self._history)

    def add(self, log_odds: float) -> None:
        """Count a hypothesis that ended with these log-odds, and forget the oldest if needed."""
        if len(self._history) == HISTORY_MAX:
            del self._ordered[bisect.bisect_left(self._ordered, self._history.popleft())]
        self._history.append(log_odds)
        bisect.insort(self._ordered, log_odds)

    def value(self, model: AggregationModel) -> float:
        """Return the threshold."""
        return self.at(self.quota, model)

    def at(self, quota: float, model: AggregationModel) -> float:
        """Return the log-odds above which a share `quota` of the hypotheses lies."""
        if self.count >= HISTORY_MIN:
            return self._quantile(quota)
        expected = self._expected(quota, model)
        if self.count < EARLY_MIN:
            return expected
        return max(expected, self._quantile(EARLY_QUOTAS * quota))

    def _quantile(self, quota: float) -> float:
        place = int(self.count * (1 - quota))
        return self._ordered[min(self.count - 1, max(0, place))]

    def _expected(self, quota: float, model: AggregationModel) -> float:
        deflection = max(model.weigh((1,) * len(model.separations)).deflection, 1e-6)
        hits, spread = HITS_OF_QUOTA * self.quota, deflection**0.5
        low, high = self.prior - 30.0, self.prior + 30.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            misses_above = _share_above((middle - self.prior + deflection / 2) / spread)
            hits_above = _share_above((middle - self.prior - deflection / 2) / spread)
            above = (1 - hits) * misses_above + hits * hits_above
            low, high = (middle, high) if above > quota else (low, middle)
        return (low + high) / 2


def _share_above(deviate: float) -> float:
    return NORMAL.cdf(-deviate)
