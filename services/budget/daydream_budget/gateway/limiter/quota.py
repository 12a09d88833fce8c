"""The configured requests and tokens per minute of one model."""

from __future__ import annotations

from daydream_budget.gateway.limiter.minute import CountedAmount, MinuteLimit
from daydream_budget.gateway.limiter.terms import TOKENS_MAX, LimiterSettings, Signal, WaitReason

REFUSED: tuple[Signal, ...] = ("busy", "overloaded", "stop")


class Quota:
    """Hold both limits. A call counts with its estimate until its usage is known."""

    def __init__(self, settings: LimiterSettings) -> None:
        self._requests = _limit(settings.requests_per_minute)
        self._tokens = _limit(settings.tokens_per_minute)
        self.tokens = 0  # of this replica since its start

    def delay_s(self, tokens: int, share: float, now: float) -> tuple[WaitReason, float]:
        """Return how long a start has to wait, and for which limit."""
        requests_s = 0.0 if self._requests is None else self._requests.delay_s(1, share, now)
        tokens_s = 0.0 if self._tokens is None else self._tokens.delay_s(tokens, share, now)
        if tokens_s > requests_s:
            return "tokens_per_minute", tokens_s
        return "requests_per_minute", requests_s

    def start(self, tokens: int, now: float) -> CountedAmount | None:
        """Count a start. Return what to correct when its usage is known."""
        if self._requests is not None:
            self._requests.add(1, now)
        self.tokens += tokens
        return None if self._tokens is None else self._tokens.add(tokens, now)

    def finish(
        self, estimate: int, counted: CountedAmount | None, signal: Signal, used: int | None
    ) -> None:
        """Correct the tokens of a call: what it used, nothing if it was refused."""
        if used is None:
            used = 0 if signal in REFUSED else estimate
        correction = min(max(0, used), TOKENS_MAX) - estimate
        self.tokens += correction
        if counted is not None:
            counted.amount += correction

    def add_peers(self, requests: int, tokens: int, now: float) -> None:
        """Count what another replica started."""
        if self._requests is not None and requests:
            self._requests.add_peers(requests, now)
        if self._tokens is not None and tokens:
            self._tokens.add_peers(tokens, now)


def _limit(limit: int | None) -> MinuteLimit | None:
    return None if limit is None else MinuteLimit(limit)
