"""How long a model stays closed: what the provider asks for, or a wait that grows."""

from __future__ import annotations

from daydream_budget.gateway.limiter.terms import Signal

COOL_S: dict[Signal, tuple[float, float]] = {  # the first wait, and the longest
    "busy": (1.0, 60.0),
    "overloaded": (1.0, 60.0),
    "bad": (2.0, 60.0),
    "stop": (30.0, 300.0),
}
RETRY_AFTER_S_MIN, RETRY_AFTER_S_MAX = 0.05, 600.0
RELAPSE_ANSWERS = 10  # a model that closes again before has not recovered


class CoolDown:
    """The wait of one model. It doubles while probes fail, and when the model soon closes again."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self._answers = 0

    def answered(self) -> None:
        """Count an answer since the model opened."""
        self._answers += 1

    def opened(self) -> None:
        """Take note that the model has opened."""
        self._answers = 0

    def close(self, cause: Signal, retry_after_s: float | None) -> float:
        """Return how long an open model has to close."""
        if self._answers >= RELAPSE_ANSWERS:
            self.wait_s = 0.0
        if retry_after_s is not None and cause != "stop":
            return bounded(retry_after_s)
        return self.prolong(cause, retry_after_s)

    def prolong(self, cause: Signal, retry_after_s: float | None) -> float:
        """Return how long the model has to stay closed after a probe that failed."""
        first_s, last_s = COOL_S[cause]
        self.wait_s = min(max(2 * self.wait_s, first_s), last_s)
        return self.wait_s if retry_after_s is None else max(self.wait_s, bounded(retry_after_s))


def bounded(retry_after_s: float) -> float:
    """Return what a provider asks for, within the limits of every wait; NaN is the minimum."""
    if not retry_after_s > RETRY_AFTER_S_MIN:
        return RETRY_AFTER_S_MIN
    return min(retry_after_s, RETRY_AFTER_S_MAX)
